"""The one gate that everything people do passes: seen before, allowed here, not too much, in which language."""
