"""Open files, unpack gzip and zip, and refuse decompression bombs."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.sources.encodings import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO, BinaryIO

    from _typeshed import WriteableBuffer

# Text compresses to a third or a tenth of its size, repetitive text to a fiftieth, a bomb to a thousandth.
MOST_SWELLING: Final = 200
ALWAYS_FINE: Final = 16 << 20
LARGEST_WHOLE: Final = 512 << 20  # bytes of a file that is read in one piece
MOST_MEMBERS: Final = 10_000

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
_NOT_MINE = ("__MACOSX/", ".")


@dataclass(frozen=True, slots=True)
class Content:
    """An open, unpacked file and its name without .gz."""

    name: str
    stream: io.BufferedReader


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn an error in reading or unpacking a file into a BadInputError that names the file."""
    try:
        yield
    except _DAMAGED as error:
        raise BadInputError(f"{path} is not a whole gzip file: {error}.") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise BadInputError(f"{path} is not a whole zip file: {error}.") from error
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}.") from error


def contents(path: Path) -> Iterator[Content]:
    """Yield the file itself, or the files packed in it; each stays open until the next one is asked for."""
    with readable(path), _opened(path) as file:
        start = file.peek(len(_ZIP))[: len(_ZIP)]
        if start == _ZIP:
            yield from _members(path, file)
        elif start.startswith(_GZIP) or path.suffix == ".gz":
            packed = gzip.GzipFile(fileobj=file)
            name = path.name.removesuffix(".gz")
            yield Content(name, _watched(packed, path.stat().st_size, path.name))
        else:
            yield Content(path.name, file)


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(path), SAMPLE)


def whole(stream: BinaryIO) -> bytes:
    """All bytes of a stream; raises BadInputError if there are more than LARGEST_WHOLE."""
    data = stream.read(LARGEST_WHOLE + 1)
    if len(data) > LARGEST_WHOLE:
        raise BadInputError(f"it is larger than {LARGEST_WHOLE >> 20} MB; split it, or make JSON Lines of it")
    return data


def _members(path: Path, file: IO[bytes]) -> Iterator[Content]:
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not _hidden(member.filename)]
        if len(members) > MOST_MEMBERS:
            raise BadInputError(f"{path} holds {len(members):,} files; unpack it, and name those that hold papers.")
        for member in members:
            name = f"{path.name}/{member.filename}"
            if member.flag_bits & 1:
                raise BadInputError(f"{name} is encrypted; unpack it, and name what comes out.")
            with archive.open(member) as opened:
                packed = gzip.GzipFile(fileobj=opened) if name.endswith(".gz") else opened
                yield Content(name.removesuffix(".gz"), _watched(packed, member.compress_size, name))


def _hidden(name: str) -> bool:
    return name.startswith(_NOT_MINE) or "/." in name


def _watched(packed: IO[bytes] | gzip.GzipFile, size: int, name: str) -> io.BufferedReader:
    return io.BufferedReader(_Watched(packed, max(ALWAYS_FINE, MOST_SWELLING * size), name), 1 << 16)


class _Watched(io.RawIOBase):
    """Unpacked bytes; raises BadInputError after `most` of them, more than text ever unpacks to."""

    def __init__(self, packed: IO[bytes] | gzip.GzipFile, most: int, name: str) -> None:
        self._packed = packed
        self._left = most
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._packed.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise BadInputError(f"{self._name} unpacks to far more than text does, so that it is not read on.")
        view[: len(data)] = data
        return len(data)
