"""What the catalogue stores of papers whose ids are known, read in one hop to a thread, as a search waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue.catalogue_tables import STANDS, chunks, papers
from retrieval.catalogue.contents import Contents
from retrieval.catalogue.records import StoredChunk
from retrieval.catalogue.removal import REMOVED
from retrieval.catalogue.upsert import BATCH, PAPER, paper_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.catalogue.scope import Scope
    from retrieval.papers import Paper

CHUNK = tuple(chunks.c[name] for name in ("paper_id", "position", "start", "end", "vector", "contents"))


def papers_of(connection: sa.Connection, paper_ids: Sequence[str]) -> dict[str, Paper]:
    """Papers by id, withdrawn ones included, removed and unknown ones left out."""
    rows = _rows(connection, sa.select(*PAPER).where(~REMOVED), papers, paper_ids)
    return {row.paper_id: paper_of(row) for row in rows}


def titles_of(connection: sa.Connection, paper_ids: Sequence[str]) -> dict[str, str]:
    """Titles by id, without withdrawn and removed papers."""
    rows = _rows(connection, sa.select(papers.c.paper_id, papers.c.title).where(STANDS), papers, paper_ids)
    return {row.paper_id: row.title for row in rows}


def chunks_of(connection: sa.Connection, paper_ids: Sequence[str]) -> dict[str, list[StoredChunk]]:
    """The stored chunks of papers, by id, in order."""
    found: dict[str, list[StoredChunk]] = {}
    asked = sa.select(*CHUNK).order_by(chunks.c.paper_id, chunks.c.position)
    for paper_id, position, start, end, vector, contents in _rows(connection, asked, chunks, paper_ids):
        window = StoredChunk(
            paper_id, position, start, end, np.frombuffer(vector, np.float32), Contents.unpack(contents)
        )
        found.setdefault(paper_id, []).append(window)
    return found


def windows_of(connection: sa.Connection, paper_ids: Sequence[str]) -> list[tuple[str, bytes]]:
    """(paper id, packed float32 vector) of each window of these papers."""
    rows = _rows(connection, sa.select(chunks.c.paper_id, chunks.c.vector), chunks, paper_ids)
    return [(paper_id, vector) for paper_id, vector in rows]


def among(connection: sa.Connection, paper_ids: Sequence[str], scope: Scope) -> list[str]:
    """The ids of the given papers that are in a scope."""
    rows = _rows(connection, sa.select(papers.c.paper_id).where(*scope.conditions()), papers, paper_ids)
    return [row.paper_id for row in rows]


def _rows(
    connection: sa.Connection, asked: sa.Select[*tuple[Any, ...]], table: sa.Table, paper_ids: Sequence[str]
) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    """Read the rows of some papers from a table, BATCH papers per statement."""
    for batch in batched(paper_ids, BATCH):
        yield from connection.execute(asked.where(table.c.paper_id.in_(batch))).all()
