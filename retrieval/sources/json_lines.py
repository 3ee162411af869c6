"""Reads JSON Lines, plain or gzipped, one object per line; errors name the file and the line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

LONGEST_LINE = 1_600_000  # bytes: 100,000 characters, each escaped as a surrogate pair, and the other fields

# Never valid in text; neither databases nor hashes accept them.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")


def read_json_lines(path: Path, make: Callable[[dict[str, Any]], T], example: str) -> Iterator[T]:
    """Yield the result of `make` for each line's object; blank lines are skipped.

    Raises BadInputError with the line number and `example`, a valid line, if a line is not an object or `make` raises
    BadInputError.
    """
    like = f"a line is one JSON object such as {example}"
    for number, line in _lines(path, like):
        try:
            yield make(_object(line))
        except BadInputError as error:
            raise BadInputError(f"{path}, line {number}: {error}; {like}.") from None


def text_of(record: dict[str, Any], *names: str) -> str:
    """The first of the given fields that is present and not null, else ""; integers are converted to text."""
    name, value = next(((name, record[name]) for name in names if record.get(name) is not None), ("", ""))
    return _text(name, value)


def texts_of(record: dict[str, Any], name: str) -> tuple[str, ...]:
    """The texts of a list field; empty if it is missing or null."""
    values = record.get(name)
    if values is None:
        return ()
    if not isinstance(values, list):
        raise BadInputError(f'"{name}" is not a list')
    return tuple(_text(name, value) for value in values)


def _text(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadInputError(f'"{name}" is not text')
    if _IMPOSSIBLE.search(value):
        raise BadInputError(f'"{name}" holds half a character or a null character')
    return value


def _lines(path: Path, like: str) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line) of each non-blank line."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                if len(line) == LONGEST_LINE:
                    raise BadInputError(f"{path}, line {number}: it is longer than {LONGEST_LINE:,} bytes; {like}.")
                if line.strip():
                    yield number, line.removeprefix(b"\xef\xbb\xbf")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} is not a whole gzip file: {error}.") from error
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        raise BadInputError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise BadInputError(f"it is not JSON ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError):
        raise BadInputError("it is no JSON that can be read") from None
    if not isinstance(record, dict):
        raise BadInputError("it is not an object")
    return record
