"""The catalogue: everything that is kept of papers, in tables; the indexes are derived from it."""
