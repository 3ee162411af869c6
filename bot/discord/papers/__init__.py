"""Papers: found, shown, compared, added, and what a server took to."""
