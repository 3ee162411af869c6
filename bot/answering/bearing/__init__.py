"""Weighing whether a paper's sentences bear a statement out, or speak against it."""
