"""Weighing whether a paper's sentences bear a statement out, by its words, numbers and names."""
