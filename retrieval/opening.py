"""Throw away an embedded Chroma that cannot be opened: it is derived, and the catalogue makes it anew."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def throw_away(folder: Path) -> None:
    """Remove a folder as far as it can be; whoever opens it next says what is wrong with the rest."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)
