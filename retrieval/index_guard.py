"""Throw away an embedded Chroma that cannot be opened: it is derived, and the catalogue makes it anew."""

from __future__ import annotations

import asyncio
import shutil
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What hnswlib writes first: a version, an offset, room for how many vectors, how many there are, bytes for each.
_HEADER: Final = struct.Struct("<iQQQQ")
_HEADER_BYTES: Final = 100  # in Chroma 1.5.9
_LENGTH: Final = 4  # bytes that a length takes


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


def torn(folder: Path) -> bool:
    """Say whether a file of vectors in a folder of Chroma's is shorter than its header says.

    Chroma reads beyond its end, which ends the interpreter.
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
    """Say whether there are so many lists, each after its length in bytes."""
    offset = 0
    for _ in range(count):
        if offset + _LENGTH > len(links):
            return False
        offset += _LENGTH + int.from_bytes(links[offset : offset + _LENGTH], "little")
    return offset <= len(links)
