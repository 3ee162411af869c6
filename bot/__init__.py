"""Footnote's bot: settings, answers, and the places where they are given."""
