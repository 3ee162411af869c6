"""Throw away an embedded Chroma that cannot be opened: it is derived, and the catalogue makes it anew."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def watched(folder: Path, marker: Path) -> Iterator[None]:
    """Open what is in a folder inside the block; where an earlier block never ended, the folder is thrown away.

    Random bytes in Chroma's files end the interpreter, which no `except` sees. Whatever can be seen, an error or
    Ctrl-C, says nothing against the folder.
    """
    if marker.exists():
        throw_away(folder)
    marker.touch()
    try:
        yield
    except (Exception, asyncio.CancelledError, KeyboardInterrupt):  # what Rust panics with is none of these
        marker.unlink()
        raise
    marker.unlink()


def throw_away(folder: Path) -> None:
    """Remove a folder as far as it can be; whoever opens it next says what is wrong with the rest."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)
