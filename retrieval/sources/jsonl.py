"""Read papers from JSON Lines in BEIR's form (`_id`, `title`, `text`), plain or gzipped."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError
from retrieval.json_lines import read_json_lines, text_of
from retrieval.papers import ARXIV_ID, Paper, identify
from retrieval.sources.fetched import Fetched
from retrieval.sources.fields import one_line
from retrieval.text import clean, sentences

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_TEXT = 100_000
LONGEST_MADE_UP_TITLE = 120

_EXAMPLE = '{"_id": "1", "title": "…", "text": "…"}'
_PART_OF_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
_YEAR = re.compile(r"[1-9][0-9]{3}")
_AND = re.compile(r"(?:,\s*|\s+)(?:and|&)\s+")
_ADDRESS = re.compile(r"https?://[^\s;<>\"]+")


def read_jsonl(path: Path, *, own_ids: bool = False) -> tuple[Paper, ...]:
    """Return the papers of a .jsonl or .jsonl.gz file, as `read_records` does, without what it says of them beside."""
    return tuple(record.paper for record in read_records(path, own_ids=own_ids))


def read_records(path: Path, *, own_ids: bool = False) -> tuple[Fetched, ...]:
    """Return the papers of a .jsonl or .jsonl.gz file, with their authors.

    Of each record are read: `_id` or `id`, `title`, `text` or `abstract`, and, from itself or from its `metadata`,
    `url`, `published`, `date` or `year`, `doi`, `arxiv_id` and `authors`. An id that is an arXiv id counts as one. Some
    datasets have no titles; the first sentence then serves, because a paper is cited by its title. A year or a month
    counts as its first day.

    Args:
        path: the file; it is read whole before anything is returned.
        own_ids: keep the file's ids as paper ids, which then must be there and differ, instead of `identify`.

    Raises:
        BadInputError: names the line that is wrong, and why.
    """
    ids: set[str] | None = set() if own_ids else None
    records = tuple(read_json_lines(path, lambda record: _fetched(record, ids), _EXAMPLE))
    if not records:
        raise BadInputError(f"{path} holds no papers; a line is one JSON object such as {_EXAMPLE}.")
    return records


def _fetched(record: dict[str, Any], own_ids: set[str] | None) -> Fetched:
    if isinstance(metadata := record.get("metadata"), dict):
        record = {**metadata, **record}
    return Fetched(_paper(record, own_ids), authors=_authors(record.get("authors")))


def _paper(record: dict[str, Any], own_ids: set[str] | None) -> Paper:
    """Return the record as a paper, under its own id if a set of those that are taken is given."""
    title = " ".join(text_of(record, "title").split())
    abstract = text_of(record, "text", "abstract").strip()
    if len(title) + len(abstract) > LONGEST_TEXT:
        raise BadInputError(f"title and text are longer than {LONGEST_TEXT:,} characters")
    if not clean(title):
        title = _first_sentence(abstract)
    if not title:
        raise BadInputError('"title" and "text" are missing or empty')
    own_id = text_of(record, "_id", "id")
    if own_ids is not None:
        if not own_id or own_id in own_ids:
            raise BadInputError(
                f'the id "{own_id}" is that of an earlier line' if own_id else '"_id" is missing or empty'
            )
        own_ids.add(own_id)
    doi = text_of(record, "doi").strip()
    arxiv = ARXIV_ID.fullmatch((text_of(record, "arxiv_id") or own_id).strip())
    return Paper(
        paper_id=own_id if own_ids is not None else identify(title, arxiv_id=arxiv and arxiv[0], doi=doi),
        title=title,
        abstract=abstract,
        source="jsonl",
        url=_url(text_of(record, "url"), arxiv and arxiv[1], doi),
        published=_date(text_of(record, "published", "date").strip()) or _year(record.get("year")),
    )


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
    first_day = f"{value}-01-01"[:10] if _PART_OF_DATE.fullmatch(value) else value[:10]
    try:
        return dt.date.fromisoformat(first_day) if value else None
    except ValueError:
        raise BadInputError(f'the date "{value[:40]}" is not like 2024-05-31') from None


def _year(value: object) -> dt.date | None:
    """Return the first day of a year, None for what is none."""
    return dt.date(int(str(value)), 1, 1) if _YEAR.fullmatch(str(value)) else None


def _authors(value: object) -> tuple[str, ...]:
    """Return the names in a text or in a list of texts or of objects with a name, none for anything else."""
    found: list[Any] = _names(value) if isinstance(value, str) else value if isinstance(value, list) else []
    names = (one.get("name") if isinstance(one, dict) else one for one in found)
    return tuple(line for name in names if isinstance(name, str) and (line := one_line(name)))


def _names(text: str) -> list[str]:
    """Return the names in a text: after semicolons, "and", and commas that do not stand within a name."""
    if ";" in text:
        return text.split(";")
    names: list[str] = []
    for part in _AND.split(text):
        between = part.split(",")
        in_full = all(
            len(name.split()) > 1 for name in between
        )  # "Choi, Yejin" is one name, "Yejin Choi, Ada B" are two
        names += between if in_full else [part]
    return names
