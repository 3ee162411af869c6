"""Databases: how they are opened, brought up to date, read and written. Knows nothing of papers and of the bot."""
