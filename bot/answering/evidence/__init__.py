"""Weigh the hits: which papers and sentences answer the question, and with what confidence."""
