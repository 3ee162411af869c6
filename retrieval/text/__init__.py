"""Text: what is read from it by form, and how it is cleaned, folded, cut and quoted."""
