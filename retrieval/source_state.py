"""How far each source has been read, when that last went well, and since when it does not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue_tables import STANDS, paper_sources, papers, source_readings
from retrieval.sources.fetched import Cursor, SourceError
from storage.database import insert_into, upsert

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.ext.asyncio import AsyncConnection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceState:
    """Hold how it stands with a source; times are in UTC, None for what has not been.

    Attributes:
        source: as a user writes it, such as "arxiv:cs.CL".
        cursor: where to read on.
        last_success: when it was last read to its end.
        newest: the newest date that it has shown.
        failing_since: when the trouble began that it is in.
        sentence: what that trouble is.
    """

    source: str
    cursor: Cursor | None = None
    last_success: dt.datetime | None = None
    newest: dt.datetime | None = None
    failing_since: dt.datetime | None = None
    sentence: str | None = None


async def read_source_states(connection: AsyncConnection, source: str | None = None) -> list[SourceState]:
    """Return the states of one source or of all, in the order of their names."""
    asked = sa.select(source_readings).order_by(source_readings.c.source)
    if source is not None:
        asked = asked.where(source_readings.c.source == source)
    return [
        SourceState(row.source, _cursor(row.cursor), row.last_success, row.newest, row.failing_since, row.sentence)
        for row in await connection.execute(asked)
    ]


async def read_sources(connection: AsyncConnection) -> list[str]:
    """Return the names of the sources that papers which stand came from, in order.

    It goes from name to name in the index: counting the papers of each would read all of them.
    """
    first = sa.select(sa.func.min(paper_sources.c.source).label("source")).cte("names", recursive=True)
    following = sa.select(sa.func.min(paper_sources.c.source)).where(paper_sources.c.source > first.c.source)
    names = first.union_all(sa.select(following.scalar_subquery()).where(first.c.source.is_not(None)))
    standing = sa.exists().where(
        paper_sources.c.source == names.c.source, paper_sources.c.paper_id == papers.c.paper_id, STANDS
    )
    return list(await connection.scalars(sa.select(names.c.source).where(standing).order_by(names.c.source)))


async def note_page(connection: AsyncConnection, source: str, cursor: Cursor, now: dt.datetime) -> None:
    """Keep the cursor after a page; with the last page the reading is a success, and its trouble is over."""
    known: dict[str, object] = {"cursor": cursor.dump()}
    if cursor.newest:
        known["newest"] = cursor.newest
    if cursor.complete:
        known |= {"last_success": now, "failing_since": None, "sentence": None}
    await upsert(connection, source_readings, {"source": source}, known)


async def note_failure(connection: AsyncConnection, source: str, sentence: str, when: dt.datetime) -> None:
    """Keep what is wrong with a source; the trouble began with the first failure since it was last read well."""
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
