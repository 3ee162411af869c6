"""Footnote's bot: settings, answers, and the interfaces that give them."""
