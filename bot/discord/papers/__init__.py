"""Papers: find, show, compare and add them, and show which ones a server likes."""
