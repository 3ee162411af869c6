"""The index guard: deletes an embedded Chroma that cannot be opened; it is rebuilt from the catalogue."""

from __future__ import annotations

import asyncio
import shutil
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The start of hnswlib's header: version, offset, capacity, number of vectors, bytes per vector.
_HEADER: Final = struct.Struct("<iQQQQ")
_HEADER_BYTES: Final = 100  # in Chroma 1.5.9
_LENGTH: Final = 4  # bytes of a length field


@contextmanager
def watched(folder: Path, marker: Path) -> Iterator[None]:
    """Open a folder inside the block; if an earlier block never ended, delete the folder first.

    Corrupt Chroma files can crash the interpreter, which no `except` catches. Anything that can be caught, such as an
    error or Ctrl-C, is no reason to delete the folder.
    """
    if marker.exists():
        throw_away(folder)
    marker.touch()
    try:
        yield
    except (Exception, asyncio.CancelledError, KeyboardInterrupt):  # a Rust panic is none of these
        marker.unlink()
        raise
    marker.unlink()


def throw_away(folder: Path) -> None:
    """Delete a folder as far as possible; opening it again reports what is wrong with the rest."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def torn(folder: Path) -> bool:
    """Whether a vector file in a Chroma folder is shorter than its header says.

    Chroma would read beyond its end and crash the interpreter.
    """
    return any(_is_short(header) for header in folder.glob("*/header.bin"))


def _is_short(header: Path) -> bool:
    written = header.read_bytes()
    if len(written) < _HEADER_BYTES:
        return True
    _, _, _, count, size = _HEADER.unpack_from(written)
    least = {"data_level0.bin": count * size, "length.bin": count * _LENGTH}
    files = {name: header.with_name(name) for name in least}
    if any(not file.is_file() or file.stat().st_size < least[name] for name, file in files.items()):
        return True
    links = header.with_name("link_lists.bin")
    return not links.is_file() or not _holds_lists(links.read_bytes(), count)


def _holds_lists(links: bytes, count: int) -> bool:
    """Whether the bytes contain `count` lists, each preceded by its length in bytes."""
    offset = 0
    for _ in range(count):
        if offset + _LENGTH > len(links):
            return False
        offset += _LENGTH + int.from_bytes(links[offset : offset + _LENGTH], "little")
    return offset <= len(links)
