"""The full text of papers: PDFs read apart from this process, cut into sections, weighed where abstracts do not do."""
