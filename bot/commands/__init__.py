"""What each command of `footnote` does, behind the options that `bot.cli` reads."""
