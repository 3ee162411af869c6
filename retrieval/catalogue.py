"""The catalogue: papers, their chunks and their vectors in SQL, from which every index can be made anew.

What is done on a connection stands in a module for each job: upsert.py, index_queue.py, removal.py, source_state.py,
changes.py and generations.py; here is how papers are read, and what makes each of those one transaction.
"""

from __future__ import annotations

import zlib
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from retrieval.catalogue_tables import GONE, STANDS, chunks, full_texts, paper_sources, papers
from retrieval.change_feed import read_changes, read_last_change
from retrieval.contents import Contents, Embedded
from retrieval.embedding_locks import claim, claim_unembedded, count_unembedded
from retrieval.errors import DatabaseAwayError
from retrieval.fulltext.storage import WAITING, FullTexts
from retrieval.generations import begin_generation, read_state, switch_generation
from retrieval.index_lease import IndexLease
from retrieval.index_queue import (
    count_pending,
    mark_all_pending,
    mark_indexed,
    mark_left,
    mark_pending,
    note_windows,
    read_embedded,
    read_held,
    read_indexed,
    read_leaving,
    read_pending,
    read_to_embed,
    read_to_index,
    store_chunks,
)
from retrieval.records import Count, Counts, Fresh, Held, PendingPaper, StoredChunk, ToEmbed
from retrieval.removal import REMOVED, Removed, Restored, erase, read_only_from, read_removed, remove, restore
from retrieval.scope import read_count
from retrieval.source_state import SourceState, note_failure, note_page, read_source_states, read_sources
from retrieval.upsert import BATCH, PAPER, Added, ingest, owners_of, paper_of, read_known
from storage.database import Database
from storage.migration import Migrations

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.generations import LibraryState
    from retrieval.merge import Known
    from retrieval.papers import Chunk, Paper
    from retrieval.scope import Scope
    from retrieval.sources.fetched import Cursor, Fetched

__all__ = ["Added", "Catalogue", "Count", "Counts", "Embedded", "Fresh", "PendingPaper", "SourceState", "StoredChunk"]

# A file that is copied before a migration. A larger one may not fit a second time, and is mostly vectors; a migration
# that fails changes nothing either way.
LARGEST_BACKUP: Final = 1 << 30  # bytes
MIGRATIONS: Final = Migrations(Path(__file__).parent / "migrations", "catalogue_version", LARGEST_BACKUP)
MAPPED: Final = 1 << 28  # bytes of the file that SQLite reads as memory, and that count as this process's

CHUNK = tuple(chunks.c[name] for name in ("paper_id", "position", "start", "end", "vector", "contents"))
NEWEST_FIRST = papers.c.published.desc().nulls_last(), papers.c.number.desc()


class Catalogue:
    """Keep papers, chunks and vectors; each method is one transaction.

    Attributes:
        full_texts: the text of papers beside their abstracts, where that is known.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._indexing = IndexLease(database.engine)
        self.full_texts = FullTexts(database, self._writing_in_turn)

    @classmethod
    async def open(cls, location: str | Path) -> Catalogue:
        """Open a file or a database's URL and bring the tables up to date; raises what `Database.open` does."""
        pragmas = {"mmap_size": MAPPED}
        return cls(await Database.open(location, MIGRATIONS, name="The catalogue", pragmas=pragmas, one_writer=True))

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def add(self, batch: Sequence[Paper | Fetched]) -> Added:
        """Take papers in, each joined with what is known of it under any of its ids; all of them or none."""
        async with self._arriving() as connection:
            return await ingest(connection, batch)

    async def ingest_page(self, batch: Sequence[Fetched], source: str, cursor: Cursor, now: dt.datetime) -> Added:
        """Take in the papers of a page and keep the cursor after it, both or neither."""
        async with self._arriving() as connection:
            added = await ingest(connection, batch)
            await note_page(connection, source, cursor, now)
            return added

    async def note_failure(self, source: str, sentence: str, now: dt.datetime) -> None:
        """Keep what is wrong with a source."""
        async with self._database.writing() as connection:
            await note_failure(connection, source, sentence, now)

    async def source_states(self, source: str | None = None) -> list[SourceState]:
        """Return how it stands with one source or with all, in the order of their names."""
        async with self._database.reading() as connection:
            return await read_source_states(connection, source)

    async def current_ids(self, aliases: Iterable[str]) -> dict[str, str]:
        """Return the paper id that each of these ids stands for; unknown ones are left out."""
        async with self._database.reading() as connection:
            return await owners_of(connection, aliases)

    async def known(self, paper_ids: Iterable[str]) -> dict[str, Known]:
        """Return all that is known of the papers with these ids, without those that were removed."""
        async with self._database.reading() as connection:
            found = await read_known(connection, paper_ids)
        return {paper_id: known for paper_id, known in found.items() if not known.removed}

    async def remove(self, paper_ids: Sequence[str], now: dt.datetime) -> list[str]:
        """Take papers out until they are restored, and return those that were in; the indexes let go of them next."""
        async with self._arriving() as connection:
            return await remove(connection, paper_ids, now)

    async def restore(self, paper_ids: Sequence[str]) -> Restored:
        """Put removed papers back, which then wait to be indexed."""
        async with self._arriving() as connection:
            return await restore(connection, paper_ids)

    async def removed(self) -> list[Removed]:
        """Return every paper that was taken out, the last one first."""
        async with self._database.reading() as connection:
            return await read_removed(connection)

    async def erase_removed(self, before: dt.datetime) -> None:
        """Erase the text of what was removed before a moment."""
        async with self._database.writing() as connection:
            await erase(connection, before)

    async def only_from(self, source: str) -> list[str]:
        """Return the ids of the papers that stand and that no other source had."""
        async with self._database.reading() as connection:
            return await read_only_from(connection, source)

    async def fresh(self, after: dt.datetime, before: dt.datetime, since: dt.date | None = None) -> list[Fresh]:
        """Return what could first be found after a moment and until another, and stands, the oldest first.

        With `since`, what was listed, or else published, before that day is left out.
        """
        arrived = papers.c.added_at
        day = sa.func.coalesce(papers.c.listed, papers.c.published)
        news = sa.true() if since is None else sa.or_(day.is_(None), day >= since)
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(papers.c.paper_id, arrived)
                .where(arrived > after, arrived <= before, STANDS, news)
                .order_by(arrived, papers.c.number)
            )
            times = dict(rows.all())
            known = await read_known(connection, times)
        return [
            Fresh(paper_id, added_at, known[paper_id].details, tuple(sorted(known[paper_id].sources)))
            for paper_id, added_at in times.items()
            if paper_id in known
        ]

    async def pending(self, limit: int, model: str) -> list[PendingPaper]:
        """Return up to `limit` papers that wait to be indexed, with what `model` already made of them."""
        async with self._database.reading() as connection:
            return await read_pending(connection, limit, model)

    async def store_chunks(self, made: Sequence[tuple[Chunk, Embedded]], model: str) -> None:
        """Replace the chunks of the papers named, vectors included."""
        async with self._writing_in_turn() as connection:
            await store_chunks(connection, made, model)

    @asynccontextmanager
    async def claimed(self, waiting: Sequence[PendingPaper], model: str) -> AsyncIterator[list[PendingPaper]]:
        """Give those of some papers that no other process embeds, and let none begin to until the end."""
        lacking = {paper.paper.paper_id for paper in waiting if not paper.embedded}
        if not lacking or self._database.file:
            yield list(waiting)
            return
        connection = await self._database.engine.connect()
        try:
            mine = set(await claim(connection, sorted(lacking)))
            # A worker may have been done with one just before it was claimed.
            embedded = await read_embedded(connection, sorted(mine), model)
            yield [
                replace(paper, embedded=embedded.get(paper_id, paper.embedded))
                for paper in waiting
                if (paper_id := paper.paper.paper_id) in mine or paper_id not in lacking
            ]
        finally:
            with suppress(DatabaseAwayError):  # then the claims are gone already
                await connection.close()

    @asynccontextmanager
    async def to_embed(self, limit: int, model: str) -> AsyncIterator[ToEmbed]:
        """Give up to `limit` papers of which `model` has made nothing and that no other process embeds."""
        async with self._database.engine.begin() as connection:
            mine = await claim_unembedded(connection, limit, model)
            yield ToEmbed(await read_to_embed(connection, mine), partial(store_chunks, connection, model=model))

    async def unembedded_count(self, model: str) -> int:
        """Return how many papers wait to be indexed of which `model` has made nothing."""
        async with self._database.reading() as connection:
            return await count_unembedded(connection, model)

    async def mark_indexed(self, done: Mapping[str, tuple[str, int]], now: dt.datetime | None = None) -> None:
        """Record, by paper id, the content hash and the number of chunks that every index now holds.

        `now` (this moment, if it is not said) is kept for those that were never indexed before.
        """
        async with self._writing_in_turn() as connection:
            await mark_indexed(connection, done, now or datetime.now(UTC))

    async def note_windows(self, counts: Mapping[str, int]) -> None:
        """Record how many windows the dense index holds of papers that are indexed, by paper id."""
        async with self._writing_in_turn() as connection:
            await note_windows(connection, counts)

    async def leaving(self, limit: int) -> dict[str, int]:
        """Return up to `limit` papers that the indexes must let go of, and how many chunks Chroma may hold of each."""
        async with self._database.reading() as connection:
            return await read_leaving(connection, limit)

    async def mark_left(self, paper_ids: Sequence[str]) -> None:
        """Record that no index holds these papers; one that stands again by now waits to be indexed."""
        async with self._writing_in_turn() as connection:
            await mark_left(connection, paper_ids)

    async def mark_all_pending(self) -> None:
        """Forget what the derived indexes hold, so that everything is indexed anew."""
        async with self._writing_in_turn() as connection:
            await mark_all_pending(connection)

    async def mark_pending(self, paper_ids: Iterable[str]) -> None:
        """Have some papers indexed again, as an index lacks them or a part of them."""
        async with self._database.writing() as connection:
            await mark_pending(connection, list(paper_ids))

    async def get(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Return the papers known among those asked for, by id; withdrawn ones are included, removed ones not."""
        rows = _rows_of(papers, paper_ids, sa.select(*PAPER).where(~REMOVED))
        return await self._database.read(lambda connection: {row.paper_id: paper_of(row) for row in rows(connection)})

    async def titles(self, limit: int) -> list[tuple[str, str]]:
        """Return id and title of up to `limit` papers that stand, those published or added last first."""
        asked = sa.select(papers.c.paper_id, papers.c.title).where(STANDS).order_by(*NEWEST_FIRST).limit(limit)
        async with self._database.reading() as connection:
            return [(row.paper_id, row.title) for row in await connection.execute(asked)]

    async def titles_of(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Return the titles of those of some papers that stand, by id."""
        rows = _rows_of(papers, paper_ids, sa.select(papers.c.paper_id, papers.c.title).where(STANDS))
        return await self._database.read(lambda connection: {row.paper_id: row.title for row in rows(connection)})

    async def sources(self) -> list[str]:
        """Return the names of the sources that papers which stand came from, in order, however many those are."""
        async with self._database.reading() as connection:
            return await read_sources(connection)

    async def ids(self, scope: Scope) -> list[str]:
        """Return the id of every paper of a scope that stands, those published or added last first."""
        asked = sa.select(papers.c.paper_id).where(STANDS, *scope.conditions()).order_by(*NEWEST_FIRST)
        async with self._database.reading() as connection:
            return list(await connection.scalars(asked))

    async def chunks_of(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        """Return the stored chunks of papers, by id, in order."""
        rows = _rows_of(chunks, paper_ids, sa.select(*CHUNK).order_by(chunks.c.paper_id, chunks.c.position))

        def read(connection: sa.Connection) -> dict[str, list[StoredChunk]]:
            found: dict[str, list[StoredChunk]] = {}
            for paper_id, position, start, end, vector, contents in rows(connection):
                window = StoredChunk(
                    paper_id, position, start, end, np.frombuffer(vector, np.float32), Contents.unpack(contents)
                )
                found.setdefault(paper_id, []).append(window)
            return found

        return await self._database.read(read)

    async def windows_of(self, paper_ids: Iterable[str]) -> list[tuple[str, bytes]]:
        """Return paper id and float32 vector of each window of these papers."""
        rows = _rows_of(chunks, paper_ids, sa.select(chunks.c.paper_id, chunks.c.vector))
        return await self._database.read(
            lambda connection: [(paper_id, vector) for paper_id, vector in rows(connection)]
        )

    async def among(self, paper_ids: Iterable[str], scope: Scope) -> list[str]:
        """Return those of the papers that are in a scope."""
        rows = _rows_of(papers, paper_ids, sa.select(papers.c.paper_id).where(*scope.conditions()))
        return await self._database.read(lambda connection: [row.paper_id for row in rows(connection)])

    async def newest(self, limit: int, scope: Scope) -> list[Paper]:
        """Return up to `limit` papers of a scope that stand and have a date, those published last first."""
        dated = STANDS, papers.c.published.is_not(None), *scope.conditions()
        order = papers.c.published.desc(), papers.c.number.desc()
        # Sorting rows with their abstracts takes three times as long.
        newest = sa.select(papers.c.number).where(*dated).order_by(*order).limit(limit)
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(*PAPER).where(papers.c.number.in_(newest)).order_by(*order))
            return [paper_of(row) for row in rows]

    async def count(self, scope: Scope) -> Count:
        """Return how many papers of a scope stand, and how many of its source have no date."""
        async with self._database.reading() as connection:
            return await read_count(connection, scope)

    async def pending_count(self) -> int:
        """Return how many papers wait to be indexed, and how many to leave the indexes."""
        async with self._database.reading() as connection:
            return await count_pending(connection)

    async def held(self) -> Held:
        """Return how much the indexes should hold, and some of it that a start may look for."""
        async with self._database.reading() as connection:
            return await read_held(connection)

    async def indexed(self) -> dict[str, int]:
        """Return how many windows the indexes should hold of each paper that they should hold whole."""
        async with self._database.reading() as connection:
            return await read_indexed(connection)

    async def to_index(self, paper_ids: Iterable[str]) -> tuple[dict[str, Paper], dict[str, tuple[str, ...]]]:
        """Return those of the papers that indexes should hold, and their authors, both by id."""
        async with self._database.reading() as connection:
            return await read_to_index(connection, list(paper_ids))

    async def changes(self, after: int, limit: int) -> dict[int, str]:
        """Return up to `limit` papers that the indexes came to hold or let go of after a number, by their numbers."""
        async with self._database.reading() as connection:
            return await read_changes(connection, after, limit)

    async def last_change(self) -> int:
        """Return the number of the latest change."""
        async with self._database.reading() as connection:
            return await read_last_change(connection)

    async def state(self, stamp: str) -> LibraryState:
        """Return which library this is and which collection is live; a new library takes this stamp."""
        async with self._database.writing() as connection:
            return await read_state(connection, stamp)

    async def begin_generation(self, *, anew: bool = True) -> None:
        """Have the next collection of vectors filled, and with `anew` every paper wait for it."""
        async with self._writing_in_turn() as connection:
            await begin_generation(connection)
            if anew:
                await mark_all_pending(connection)

    async def switch_generation(self, stamp: str) -> None:
        """Make the collection that was filled the live one, with its stamp."""
        async with self._writing_in_turn() as connection:
            await switch_generation(connection, stamp)

    @asynccontextmanager
    async def indexing(self) -> AsyncIterator[None]:
        """Let one process at a time index a library that several share; another takes over when it dies.

        What only whoever indexes writes raises LeaseLostError once another does.
        """
        async with self._indexing.taken():
            yield

    async def counts(self) -> Counts:
        """Return how much the catalogue holds and how much of it waits to be indexed."""
        count = sa.func.count()
        async with self._database.reading() as connection:
            by_source = sa.select(paper_sources.c.source, count).group_by(paper_sources.c.source)
            of_gone = await connection.execute(by_source.where(paper_sources.c.paper_id.in_(GONE)))
            gone: dict[str, int] = dict(of_gone.all())
            in_order = await connection.execute(by_source.order_by(paper_sources.c.source))
            standing_by_source = ((source, held - gone.get(source, 0)) for source, held in in_order)
            sources = {source: held for source, held in standing_by_source if held}
            # One by one, as each is answered by an index of its own.
            those = sa.select(count).select_from(papers)
            standing = await connection.scalar(those.where(STANDS)) or 0
            withdrawn = await connection.scalar(those.where(papers.c.withdrawn_by.is_not(None), ~REMOVED)) or 0
            removed = await connection.scalar(those.where(REMOVED)) or 0
            newest = await connection.scalar(sa.select(sa.func.max(papers.c.published)).where(STANDS))
            pending = await count_pending(connection)
            total = await connection.scalar(sa.select(count).select_from(chunks)) or 0
            waiting = await connection.scalar(sa.select(count).select_from(WAITING.subquery())) or 0
            whole = await connection.scalar(
                sa.select(count).select_from(full_texts).where(full_texts.c.paper_id.not_in(GONE))
            )
        return Counts(standing, pending + waiting, total, sources, newest, withdrawn, removed, whole or 0)

    @asynccontextmanager
    async def _writing_in_turn(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction of whoever indexes; raises LeaseLostError where that is another process by now."""
        async with self._database.writing() as connection:
            await self._indexing.demand(connection)
            yield connection

    @asynccontextmanager
    async def _arriving(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction in which nobody else takes papers in, in another process neither."""
        async with self._database.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(b"footnote arrivals"))))
            yield connection


def _rows_of(
    table: sa.Table, paper_ids: Iterable[str], asked: sa.Select[*tuple[Any, ...]]
) -> Callable[[sa.Connection], Iterator[sa.Row[*tuple[Any, ...]]]]:
    """Return what reads the rows of some papers in a table, BATCH papers a statement."""
    ids = list(paper_ids)

    def read(connection: sa.Connection) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        for start in range(0, len(ids), BATCH):
            yield from connection.execute(asked.where(table.c.paper_id.in_(ids[start : start + BATCH]))).all()

    return read
