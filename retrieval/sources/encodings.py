"""Detect a text's encoding: by its byte order mark, else UTF-8, else UTF-16 by its zeros, else the likeliest one."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

SAMPLE: Final = 1 << 16

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Three non-ASCII bytes in a row are a word in another script; in Western European text they stand alone.
_OTHER_SCRIPT: Final = re.compile(rb"[\x80-\xff]{3}")
_WEST: Final = "cp1252"
# Encodings that reference files are written in. If all encodings were allowed, rare old ones would win over these.
_LIKELY: Final = [
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "cp949",
    "cp1251",
    "koi8_r",
    "cp866",
    "cp1253",
    "cp1250",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp874",
]


def encoding_of(data: bytes) -> str:
    """The encoding of a text by its beginning, which may end inside a character; "utf-8" if that fits."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if zeros := _without_mark(data):
        return zeros
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return _guessed(data)
    return "utf-8"


def decode(data: bytes) -> tuple[str, str | None]:
    """A text, and the name of its encoding if that is not UTF-8."""
    name = encoding_of(data)
    if name.startswith("utf-8"):
        return data.decode(name, "replace"), None
    return data.decode(name, "replace"), name


def lines_of(stream: BinaryIO, encoding: str, longest: int) -> Iterator[bytes]:
    """Yield the lines of a stream, with UTF-16 and UTF-32 recoded as UTF-8; one beyond `longest` comes in pieces."""
    if not encoding.startswith(("utf-16", "utf-32")):
        yield from iter(lambda: stream.readline(longest), b"")
        return
    text = io.TextIOWrapper(stream, encoding, "replace", newline="\n")
    for line in iter(lambda: text.readline(longest), ""):
        yield line.encode()


def _without_mark(data: bytes) -> str | None:
    """Detect UTF-16 without a mark: in Latin text, every other byte is zero."""
    even, odd = data[:SAMPLE:2], data[1:SAMPLE:2]
    if len(data) < len("{}") * 2 or not even or not odd:
        return None
    if odd.count(0) * 10 > len(odd) * 4 and even.count(0) * 20 < len(even):
        return "utf-16-le"
    if even.count(0) * 10 > len(even) * 4 and odd.count(0) * 20 < len(odd):
        return "utf-16-be"
    return None


def _guessed(data: bytes) -> str:
    if not _OTHER_SCRIPT.search(data):
        return _WEST
    from charset_normalizer import from_bytes

    best = from_bytes(data[:SAMPLE], cp_isolation=_LIKELY).best()
    return best.encoding if best else _WEST
