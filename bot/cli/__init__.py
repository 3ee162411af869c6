"""The `footnote` command line: each command reads its options, does its work and shows the result.

What a command needs is imported inside it, so that `footnote --help` loads no index, model or client.
"""

from bot.cli.root import app

__all__ = ["app"]
