"""Estimate whether a paper's sentences support a statement, from words, numbers and names."""
