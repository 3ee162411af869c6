"""Source state: how far each source has been read, its last success, and since when it fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import STANDS, paper_sources, papers, source_readings
from retrieval.sources.fetched import Cursor, SourceError
from storage.database import insert_into, upsert

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.ext.asyncio import AsyncConnection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source; times are in UTC, None if there was no such event.

    Attributes:
        source: as a user writes it, such as "arxiv:cs.CL".
        cursor: where to continue reading.
        last_success: when it was last read to its end.
        newest: the newest date it has reported.
        failing_since: the first failure since the last success.
        sentence: the error message of the last failure.
    """

    source: str
    cursor: Cursor | None = None
    last_success: dt.datetime | None = None
    newest: dt.datetime | None = None
    failing_since: dt.datetime | None = None
    sentence: str | None = None


async def read_source_states(connection: AsyncConnection, source: str | None = None) -> list[SourceState]:
    """The state of one source, or of all, by name."""
    asked = sa.select(source_readings).order_by(source_readings.c.source)
    if source is not None:
        asked = asked.where(source_readings.c.source == source)
    return [
        SourceState(row.source, _cursor(row.cursor), row.last_success, row.newest, row.failing_since, row.sentence)
        for row in await connection.execute(asked)
    ]


async def read_sources(connection: AsyncConnection) -> list[str]:
    """The names of the papers' sources, sorted, without those of withdrawn and removed papers only.

    It skips from name to name in the index (a loose index scan), because DISTINCT would read every row.
    """
    first = sa.select(sa.func.min(paper_sources.c.source).label("source")).cte("names", recursive=True)
    following = sa.select(sa.func.min(paper_sources.c.source)).where(paper_sources.c.source > first.c.source)
    names = first.union_all(sa.select(following.scalar_subquery()).where(first.c.source.is_not(None)))
    standing = sa.exists().where(
        paper_sources.c.source == names.c.source, paper_sources.c.paper_id == papers.c.paper_id, STANDS
    )
    return list(await connection.scalars(sa.select(names.c.source).where(standing).order_by(names.c.source)))


async def note_page(connection: AsyncConnection, source: str, cursor: Cursor, now: dt.datetime) -> None:
    """Store the cursor after a page; the last page counts as a success and clears the failure."""
    known: dict[str, object] = {"cursor": cursor.dump()}
    if cursor.newest:
        known["newest"] = cursor.newest
    if cursor.complete:
        known |= {"last_success": now, "failing_since": None, "sentence": None}
    await upsert(connection, source_readings, {"source": source}, known)


async def note_failure(connection: AsyncConnection, source: str, sentence: str, when: dt.datetime) -> None:
    """Record a failure of a source; `failing_since` stays at the first one since the last success."""
    insert = insert_into(connection, source_readings).values(source=source, failing_since=when, sentence=sentence)
    began = sa.func.coalesce(source_readings.c.failing_since, insert.excluded.failing_since)
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=["source"], set_={"failing_since": began, "sentence": insert.excluded.sentence}
        )
    )


def _cursor(line: str | None) -> Cursor | None:
    try:
        return Cursor.load(line) if line else None
    except SourceError:
        log.warning("a cursor cannot be read, and its source is read from the start: %s", line)
        return None
