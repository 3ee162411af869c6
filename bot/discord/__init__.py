"""The Discord bot: the only part of Footnote that imports discord."""
