"""The indexes: a paper's windows in Chroma and its words in tantivy, kept in step with the catalogue."""
