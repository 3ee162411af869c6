"""One file for each step of the catalogue's tables, each named by its revision."""
