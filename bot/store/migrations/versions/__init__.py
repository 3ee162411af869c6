"""One file for each step of the store's tables, each named by its revision."""
