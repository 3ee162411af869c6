"""How much a command logs."""

from __future__ import annotations

import logging
import sys
from typing import Final

# Levels that hide libraries' remarks on what Footnote does not use, or handles itself.
REMARKS: Final = {
    "alembic": logging.WARNING,
    "discord.client": logging.ERROR,
    "discord.ext.commands.bot": logging.ERROR,
}

# Loggers that say more than anybody reads, even with --verbose.
CHATTY: Final = ("aiosqlite", "chromadb", "discord", "filelock", "httpcore", "httpcore2", "httpx", "httpx2", "openai")


def start_log(*, verbose: bool) -> None:
    """Log warnings to stderr, or if `verbose` everything but the details of CHATTY loggers."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if verbose:
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.INFO)


def show_progress() -> None:
    """Log what a long-running command is doing, without REMARKS."""
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.INFO))
    hide_remarks()


def hide_remarks() -> None:
    """Hide the libraries' remarks in REMARKS."""
    for name, level in REMARKS.items():
        logging.getLogger(name).setLevel(level)
