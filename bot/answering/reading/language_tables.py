"""The tables of py3langid, stored beside the other models as memory-mapped files.

Its own file takes half a second to unpack, and 70 MB; of a mapped file, only the pages in use are loaded.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

import numpy as np

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SCORES: Final = "scores.npy"
MOVES: Final = "moves.npy"
SMALL: Final = "small.npz"
UNREADABLE: Final = (OSError, ValueError, KeyError, EOFError, BadZipFile)


def open_identifier(folder: Path | None) -> LanguageIdentifier:
    """Open the model from the unpacked tables in a folder, unpacking them first if needed; else in memory."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    tables = folder and folder / f"py3langid-{version('py3langid')}"
    try:
        if tables:
            return _mapped(tables)
    except UNREADABLE:  # not there yet, or truncated
        pass
    unpacked = LanguageIdentifier.from_model_file(MODEL_FILE)
    try:
        if tables:
            _write(unpacked, tables)
            return _mapped(tables)
    except UNREADABLE:  # the disk is full or read-only
        pass
    return unpacked


def _mapped(tables: Path) -> LanguageIdentifier:
    from py3langid.langid import LanguageIdentifier

    scores, moves = (np.load(tables / name, mmap_mode="r") for name in (SCORES, MOVES))
    with np.load(tables / SMALL) as small:
        classes, prior, output, row = (small[name] for name in ("classes", "prior", "output", "row"))
    # A memoryview yields plain integers, which NumPy is slow at one by one.
    return LanguageIdentifier(
        scores, prior, classes.tolist(), memoryview(moves), output.tolist(), tk_row=array("H", row.tobytes())
    )


def _write(unpacked: LanguageIdentifier, tables: Path) -> None:
    """Write the tables atomically, also if others are writing them."""
    tables.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=tables.parent, prefix=tables.name))
    try:
        np.save(draft / SCORES, unpacked.nb_ptc)
        np.save(draft / MOVES, np.asarray(unpacked.tk_nextmove))
        np.savez(
            draft / SMALL,
            classes=np.array(unpacked.nb_classes),
            prior=unpacked.nb_pc,
            output=np.array(unpacked.tk_output, np.int32),
            row=np.asarray(unpacked.tk_row),
        )
        shutil.rmtree(tables, ignore_errors=True)
        draft.replace(tables)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
