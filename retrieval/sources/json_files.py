"""Read JSON: an object a line, an array, a service's answer; what is cut off gives what stands before the cut."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.json_lines import LONGEST_LINE
from retrieval.sources.encodings import SAMPLE, decode, encoding_of, lines_of
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.shapes import records_in
from retrieval.sources.unpacking import whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

_BETWEEN: Final = re.compile(r"[\s,]*")
_ARRAY: Final = re.compile(
    r'(?:\s*\{(?:\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)\s*,)*\s*"[^"]*"\s*:)?\s*\['
)


def read_json_lines(stream: BinaryIO) -> Iterator[Found]:
    """Yield the record of each line; a line that is none is bad, and the others are read."""
    encoding = encoding_of(stream.peek(SAMPLE)[:SAMPLE])  # type: ignore[attr-defined]  # every opened file has it
    if encoding.startswith(("utf-16", "utf-32")):
        yield Remark(f"read as {encoding.upper()}")
    said = False
    for number, line in enumerate(lines_of(stream, encoding, LONGEST_LINE), start=1):
        if not (bare := line.removeprefix(b"\xef\xbb\xbf")).strip():
            continue
        place = f"line {number}"
        if len(line) >= LONGEST_LINE:
            yield Bad(place, f"it is longer than {LONGEST_LINE:,} bytes")
            return
        text, other = decode(bare)
        if other and not said:
            said = True
            yield Remark(f"line {number} is not UTF-8; read as {other.upper()}")
        yield from _of_line(place, text)


def read_json(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of an array, or of what a service answers with."""
    text, other = decode(whole(stream))
    if other:
        yield Remark(f"read as {other.upper()}")
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


def _of_line(place: str, text: str) -> Iterator[Found]:
    try:
        value = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        yield Bad(place, f"it is not JSON ({error.msg} at character {error.pos + 1})")
        return
    except (ValueError, RecursionError):
        yield Bad(place, "it is no JSON that can be read")
        return
    records = records_in(value)
    if records is None:
        yield Row(place, value) if isinstance(value, dict) else Bad(place, "it is not an object")
        return
    for number, record in enumerate(records, start=1):
        where = f"{place}, record {number}"
        yield Row(where, record) if isinstance(record, dict) else Bad(where, "it is not an object")


def _before_the_cut(text: str, reason: str) -> Iterator[Found]:
    """Yield the whole objects of an array that is not whole."""
    start = _ARRAY.match(text)
    first = text.lstrip("\ufeff \r\n").partition("\n")[0].rstrip()
    if first.startswith("{") and first.endswith("}"):  # JSON Lines whose first is too long to be told by the beginning
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield from _of_line(f"line {number}", line)
        return
    if not start:
        raise BadInputError(f"it is not JSON ({reason[:80]})")
    decoder, at, number = json.JSONDecoder(strict=False), start.end(), 0
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        number += 1
        value, at = _next_value(decoder, text, at)
        if not isinstance(value, dict) and number == 1:
            raise BadInputError(f"it is not JSON ({reason[:80]})")
        if not isinstance(value, dict):
            yield Bad(f"record {number}", f"the file is cut off or damaged here ({reason[:80]})")
            return
        yield Row(f"record {number}", value)


def _next_value(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at
