"""One migration per file, named by its revision."""
