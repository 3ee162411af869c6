"""Full texts: PDFs and HTML parsed in a subprocess, split into sections, and searched if abstracts do not suffice."""
