"""How much of the log a command shows."""

from __future__ import annotations

import logging
import sys
from typing import Final

# The libraries' own remarks on what Footnote does not use, or reads by itself.
REMARKS: Final = {
    "alembic": logging.WARNING,
    "discord.client": logging.ERROR,
    "discord.ext.commands.bot": logging.ERROR,
}

# What says more than anybody reads, also where everything is logged.
CHATTY: Final = ("aiosqlite", "chromadb", "discord", "filelock", "httpcore", "httpcore2", "httpx", "httpx2", "openai")


def start_log(*, verbose: bool) -> None:
    """Log warnings to stderr, and if asked everything but what is chatty."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if verbose:
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.INFO)


def show_progress() -> None:
    """Log what a program that goes on for long is doing, without the libraries' remarks."""
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.INFO))
    hide_remarks()


def hide_remarks() -> None:
    """Leave out the libraries' remarks."""
    for name, level in REMARKS.items():
        logging.getLogger(name).setLevel(level)
