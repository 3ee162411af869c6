"""Tell how a text is encoded: by its mark, else UTF-8, else UTF-16 by its zeros, else what its bytes are likest to."""

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
# Three bytes beyond ASCII in a row are a word of another script; in what Europe's west writes they stand alone.
_OTHER_SCRIPT: Final = re.compile(rb"[\x80-\xff]{3}")
_WEST: Final = "cp1252"
# What files of references are written in; among all that there are, rare ones of old machines are taken for these.
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
    """Name the encoding of a text by its beginning, which may be cut within a character; "utf-8" where it may be."""
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
    """Return a text, and what its encoding was taken for where that is not UTF-8."""
    name = encoding_of(data)
    if name.startswith("utf-8"):
        return data.decode(name, "replace"), None
    return data.decode(name, "replace"), name


def lines_of(stream: BinaryIO, encoding: str, longest: int) -> Iterator[bytes]:
    """Yield the lines of a stream in UTF-8, those of UTF-16 and UTF-32 recoded; a longer one comes in pieces."""
    if not encoding.startswith(("utf-16", "utf-32")):
        yield from iter(lambda: stream.readline(longest), b"")
        return
    text = io.TextIOWrapper(stream, encoding, "replace", newline="\n")
    for line in iter(lambda: text.readline(longest), ""):
        yield line.encode()


def _without_mark(data: bytes) -> str | None:
    """Name UTF-16 without a mark: of Latin text every other byte is zero."""
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
