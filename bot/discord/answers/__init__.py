"""Questions and their answers: read, answered once, shown as cards, and followed up."""
