"""Who may read the files we write: our own only the user, those that a user named whoever usually may."""

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
    """Make files written from now on readable only by the user, and return the user's own umask."""
    return os.umask(_NOT_OTHERS)


def share(path: Path) -> None:
    """Give a file at a path that the user chose the permissions of the user's other files."""
    path.chmod(_FILE & ~keep_private())
