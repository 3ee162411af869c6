"""Who may read what the program writes: its own files the user alone, a file that a user named whoever usually may."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NOT_OTHERS: Final = 0o077  # folders become 0700, files 0600
_FILE: Final = 0o666


@functools.cache
def keep_private() -> int:
    """Make what is written from now on readable for the user alone; give the umask that the user had."""
    return os.umask(_NOT_OTHERS)


def share(path: Path) -> None:
    """Give a file that was written where the user said the rights that any of the user's files has."""
    path.chmod(_FILE & ~keep_private())
