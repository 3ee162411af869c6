"""JSON: an object per line, an array, or a service's answer; a truncated file gives what comes before the cut."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.sources.archive import LARGEST_WHOLE
from retrieval.sources.encodings import SAMPLE, decode, encoding_of, lines_of
from retrieval.sources.json_lines import LONGEST_LINE
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.shapes import records_in
from retrieval.sources.texts import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from typing import BinaryIO, TextIO

    from retrieval.sources.rows import Found

_BETWEEN: Final = re.compile(r"[\s,]*")
_ARRAY: Final = re.compile(
    r'(?:\s*\{(?:\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)\s*,)*\s*"[^"]*"\s*:)?\s*\['
)
_ARRAY_OF_RECORDS: Final = re.compile(_ARRAY.pattern + r"\s*\{")
_PIECE: Final = 1 << 20  # characters


def read_json_lines(stream: BufferedReader) -> Iterator[Found]:
    """Yield the record of each line; a line that is not one is reported, and the others are read."""
    encoding = encoding_of(stream.peek(SAMPLE)[:SAMPLE])
    if encoding.startswith(("utf-16", "utf-32")):
        yield Remark(f"read as {encoding.upper()}")
    warned = False
    for number, line in enumerate(lines_of(stream, encoding, LONGEST_LINE), start=1):
        if not (bare := line.removeprefix(b"\xef\xbb\xbf")).strip():
            continue
        position = f"line {number}"
        if len(line) >= LONGEST_LINE:
            yield Bad(position, f"it is longer than {LONGEST_LINE:,} bytes")
            return
        text, other = decode(bare)
        if other and not warned:
            warned = True
            yield Remark(f"line {number} is not UTF-8; read as {other.upper()}")
        yield from _of_line(position, text)


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of an array or of a service's answer; a large array is read record by record."""
    opened = open_text(stream)
    if opened.encoding:
        yield Remark(f"read as {opened.encoding.upper()}")
    text = opened.file.read(_PIECE)
    if not opened.whole and (start := _ARRAY_OF_RECORDS.match(text)):
        yield from _records(text[start.end() - 1 :], opened.file)
        return
    text += opened.file.read(LARGEST_WHOLE)
    if opened.file.read(1):
        raise BadInputError(
            f"it is larger than {LARGEST_WHOLE >> 20} MB and does not begin with an array of records; make JSON Lines "
            "of it"
        )
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        yield from _before_the_cut(text, str(error))
        return
    records = records_in(value)
    for number, record in enumerate([value] if records is None else records, start=1):
        yield (
            Row(f"record {number}", record) if isinstance(record, dict) else Bad(f"record {number}", "it is no object")
        )


def _records(text: str, file: TextIO) -> Iterator[Found]:
    """Yield the objects of an array; `text` begins with the first of them and continues in `file`."""
    decoder = json.JSONDecoder(strict=False)
    offset, number = 0, 0
    while True:
        number += 1
        value, offset = _next_value(decoder, text, _after_blanks(text, offset))
        while not isinstance(value, dict) and len(text) - offset < LONGEST_LINE and (more := file.read(_PIECE)):
            text = text[offset:] + more
            value, offset = _next_value(decoder, text, _after_blanks(text, 0))
        if isinstance(value, dict):
            yield Row(f"record {number}", value)
            continue
        if text[offset : offset + 1] != "]":
            yield Bad(f"record {number}", "the file is cut off or damaged here")
        return


def _of_line(position: str, text: str) -> Iterator[Found]:
    try:
        value = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        yield Bad(position, f"it is not JSON ({error.msg} at character {error.pos + 1})")
        return
    except (ValueError, RecursionError):
        yield Bad(position, "it is no JSON that can be read")
        return
    records = records_in(value)
    if records is None:
        yield Row(position, value) if isinstance(value, dict) else Bad(position, "it is not an object")
        return
    for number, record in enumerate(records, start=1):
        where = f"{position}, record {number}"
        yield Row(where, record) if isinstance(record, dict) else Bad(where, "it is not an object")


def _before_the_cut(text: str, reason: str) -> Iterator[Found]:
    """Yield the whole objects of a truncated array."""
    start = _ARRAY.match(text)
    first = text.lstrip("\ufeff \r\n").partition("\n")[0].rstrip()
    if first.startswith("{") and first.endswith("}"):  # JSON Lines whose first line is longer than the sample
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield from _of_line(f"line {number}", line)
        return
    if not start:
        raise BadInputError(f"it is not JSON ({reason[:80]})")
    decoder, offset, number = json.JSONDecoder(strict=False), start.end(), 0
    while True:
        number += 1
        value, offset = _next_value(decoder, text, _after_blanks(text, offset))
        if not isinstance(value, dict) and number == 1:
            raise BadInputError(f"it is not JSON ({reason[:80]})")
        if not isinstance(value, dict):
            yield Bad(f"record {number}", f"the file is cut off or damaged here ({reason[:80]})")
            return
        yield Row(f"record {number}", value)


def _after_blanks(text: str, offset: int) -> int:
    between = _BETWEEN.match(text, offset)
    return between.end() if between else offset


def _next_value(decoder: json.JSONDecoder, text: str, offset: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, offset)
    except (ValueError, RecursionError):
        return None, offset
