"""Open a stream of bytes as text: what is small is decoded at once, what is large as it is read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from retrieval.sources.encodings import decode, encoding_of

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from _typeshed import WriteableBuffer

SMALL: Final = 4 << 20  # bytes; the encoding of what is larger is told by as many


@dataclass(frozen=True, slots=True)
class Text:
    """Hold an open text.

    Attributes:
        file: gives the text.
        whole: whether all of it is in memory.
        encoding: what it was taken for, where that is not UTF-8.
    """

    file: TextIO
    whole: bool
    encoding: str | None


def open_text(stream: BinaryIO, *, newline: str | None = None) -> Text:
    """Return the text of a stream, with its line ends as `newline` says for every file of text."""
    start = stream.read(SMALL)
    following = stream.read(1)
    if not following:
        text, other = decode(start)
        return Text(io.StringIO(text, newline), whole=True, encoding=other)
    name = encoding_of(start)
    bytes_of = io.BufferedReader(_Joined(start + following, stream))
    file = io.TextIOWrapper(bytes_of, name, "replace", newline=newline)
    return Text(file, whole=False, encoding=None if name.startswith("utf-8") else name)


class _Joined(io.RawIOBase):
    """Give what was read before, and then the rest of the stream."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = memoryview(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data: bytes | memoryview = self._start[: len(view)]
        self._start = self._start[len(data) :]
        data = data or self._rest.read(len(view))
        view[: len(data)] = data
        return len(data)
