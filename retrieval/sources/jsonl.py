"""Datasets as JSON Lines in BEIR's form (`_id`, `title`, `text`), plain or gzipped; any bad line is an error."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError
from retrieval.sources.json_lines import read_json_lines
from retrieval.sources.record import LONGEST_TEXT, make, own_id

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched

__all__ = ["LONGEST_TEXT", "read_jsonl", "read_records"]

_EXAMPLE = '{"_id": "1", "title": "…", "text": "…"}'


def read_jsonl(path: Path, *, own_ids: bool = False) -> tuple[Paper, ...]:
    """The papers of a .jsonl or .jsonl.gz file, as `read_records` reads them, without authors and other facts."""
    return tuple(record.paper for record in read_records(path, own_ids=own_ids))


def read_records(path: Path, *, own_ids: bool = False) -> tuple[Fetched, ...]:
    """The papers of a .jsonl or .jsonl.gz file, with authors and other facts, as `make` reads each record.

    Args:
        path: the file, which is read whole.
        own_ids: keep the file's ids as paper ids instead of those from `identify`, and every text verbatim; the ids
            must be present and unique.

    Raises:
        BadInputError: names the bad line and says why.
    """
    ids: set[str] | None = set() if own_ids else None
    records = tuple(read_json_lines(path, lambda record: _fetched(record, ids), _EXAMPLE))
    if not records:
        raise BadInputError(f"{path} holds no papers; a line is one JSON object such as {_EXAMPLE}.")
    return records


def _fetched(record: dict[str, Any], own_ids: set[str] | None) -> Fetched:
    made = make(record, "jsonl", verbatim=own_ids is not None)
    if made.notes:
        raise BadInputError(made.notes[0])
    if own_ids is None:
        return made.paper
    name = own_id(record)
    if not name or name in own_ids:
        raise BadInputError(f'the id "{name}" is that of an earlier line' if name else '"_id" is missing or empty')
    own_ids.add(name)
    return replace(made.paper, paper=replace(made.paper.paper, paper_id=name), external_ids=())
