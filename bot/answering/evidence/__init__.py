"""Weighing what the hits hold: which papers and sentences say what was asked, and how sure that is."""
