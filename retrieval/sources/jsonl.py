"""Read papers from JSON Lines in BEIR's form (`_id`, `title`, `text`), plain or gzipped."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError
from retrieval.papers import ARXIV_ID, Paper, identify
from retrieval.text import clean, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_TEXT = 100_000
# JSON may write a character in twelve bytes (an escaped pair), and a record has more than its text.
LONGEST_LINE = 16 * LONGEST_TEXT
LONGEST_MADE_UP_TITLE = 120

_HELP = 'a line is one JSON object such as {"_id": "1", "title": "…", "text": "…"}'
_ADDRESS = re.compile(r"https?://[^\s;<>\"]+")
# No text has these, and neither SQL nor a hash takes them.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")


def read_jsonl(path: Path, *, own_ids: bool = False) -> tuple[Paper, ...]:
    """Return the papers of a .jsonl or .jsonl.gz file.

    Of each record are read: `_id` or `id`, `title`, `text` or `abstract`, and, from itself or from its `metadata`,
    `url`, `published` or `date`, `doi` and `arxiv_id`. An id that is an arXiv id counts as one. Some datasets have
    no titles; the first sentence then serves, because a paper is cited by its title.

    Args:
        path: the file; it is read whole before anything is returned.
        own_ids: keep the file's ids as paper ids, which then must be there and differ, instead of `identify`.

    Raises:
        BadInputError: names the line that is wrong, and why.
    """
    papers: list[Paper] = []
    ids: set[str] = set()
    for number, line in _lines(path):
        try:
            papers.append(_paper(_record(line), ids if own_ids else None))
        except BadInputError as error:
            raise BadInputError(f"{path}, line {number}: {error}; {_HELP}.") from None
    if not papers:
        raise BadInputError(f"{path} holds no papers; {_HELP}.")
    return tuple(papers)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, numbered from 1."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                if len(line) == LONGEST_LINE:
                    raise BadInputError(f"{path}, line {number}: it is longer than {LONGEST_LINE:,} bytes; {_HELP}.")
                if line.strip():
                    yield number, line.removeprefix(b"\xef\xbb\xbf")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} is not a whole gzip file: {error}.") from error
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        raise BadInputError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise BadInputError(f"it is not JSON ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError):
        raise BadInputError("it is no JSON that a paper could be in") from None
    if not isinstance(record, dict):
        raise BadInputError("it is not an object")
    metadata = record.get("metadata")
    return {**metadata, **record} if isinstance(metadata, dict) else record


def _paper(record: dict[str, Any], own_ids: set[str] | None) -> Paper:
    """Return the record as a paper, under its own id if a set of those that are taken is given."""
    title = " ".join(_field(record, "title").split())
    abstract = _field(record, "text", "abstract").strip()
    if len(title) + len(abstract) > LONGEST_TEXT:
        raise BadInputError(f"title and text are longer than {LONGEST_TEXT:,} characters")
    if not clean(title):
        title = _first_sentence(abstract)
    if not title:
        raise BadInputError('"title" and "text" are missing or empty')
    own_id = _field(record, "_id", "id").strip()
    if own_ids is not None:
        if not own_id or own_id in own_ids:
            raise BadInputError(
                f'the id "{own_id}" is that of an earlier line' if own_id else '"_id" is missing or empty'
            )
        own_ids.add(own_id)
    doi = _field(record, "doi").strip()
    arxiv = ARXIV_ID.fullmatch(_field(record, "arxiv_id").strip() or own_id)
    return Paper(
        paper_id=own_id if own_ids is not None else identify(title, arxiv_id=arxiv and arxiv[0], doi=doi),
        title=title,
        abstract=abstract,
        source="jsonl",
        url=_url(_field(record, "url"), arxiv and arxiv[1], doi),
        published=_date(_field(record, "published", "date").strip()),
    )


def _field(record: dict[str, Any], *names: str) -> str:
    """Return the first of the fields that is there and not null, as text."""
    name, value = next(((name, record[name]) for name in names if record.get(name) is not None), ("", ""))
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadInputError(f'"{name}" is not text')
    if _IMPOSSIBLE.search(value):
        raise BadInputError(f'"{name}" holds half a character or a null character')
    return value


def _first_sentence(text: str) -> str:
    sentence = next((clean(text[start:end]) for start, end in sentences(text)), "")
    if len(sentence) <= LONGEST_MADE_UP_TITLE:
        return sentence
    return sentence[:LONGEST_MADE_UP_TITLE].rpartition(" ")[0] + "…"


def _url(given: str, arxiv_id: str | None, doi: str) -> str | None:
    if address := _ADDRESS.match(given.strip()):
        return address[0]
    if arxiv_id:
        return f"https://arxiv.org/abs/{arxiv_id}"
    return f"https://doi.org/{doi}" if doi.startswith("10.") else None


def _date(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value[:10]) if value else None
    except ValueError:
        raise BadInputError(f'the date "{value[:40]}" is not like 2024-05-31') from None
