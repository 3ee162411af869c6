"""Decode a stream of bytes: a small one at once, a large one as it is read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from retrieval.sources.encodings import decode, encoding_of

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from _typeshed import WriteableBuffer

SMALL: Final = 4 << 20  # bytes; the encoding of a larger stream is detected from this many


@dataclass(frozen=True, slots=True)
class Text:
    """A text opened for reading.

    Attributes:
        file: the stream of the text.
        whole: whether all of it is in memory.
        encoding: the detected encoding; None for UTF-8.
    """

    file: TextIO
    whole: bool
    encoding: str | None


def open_text(stream: BinaryIO, *, newline: str | None = None) -> Text:
    """Decode a stream; `newline` is as in `open`."""
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
    """Bytes that were read already, followed by the rest of their stream."""

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
