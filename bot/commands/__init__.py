"""The commands of `footnote`, behind the options that bot.cli parses."""
