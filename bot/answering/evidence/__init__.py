"""Weighing what the hits hold: which papers are on the subject, which sentences say what was asked, and how sure that is."""
