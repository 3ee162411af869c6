"""The catalogue: papers, chunks and vectors in SQL, from which every index can be rebuilt.

The statements live in a module per job (upsert.py, listings.py, stored_rows.py, counts.py, index_queue.py, removal.py,
source_state.py, change_feed.py, generations.py); this one runs each as a transaction.
"""

from __future__ import annotations

import zlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from retrieval.catalogue import stored_rows
from retrieval.catalogue.change_feed import read_changes, read_last_change
from retrieval.catalogue.contents import Embedded
from retrieval.catalogue.counts import read_count, read_counts
from retrieval.catalogue.embedding_locks import claim_unembedded, claimed, count_unembedded
from retrieval.catalogue.full_text_store import FullTexts
from retrieval.catalogue.generations import begin_generation, read_state, switch_generation
from retrieval.catalogue.index_lease import IndexLease
from retrieval.catalogue.index_queue import (
    count_pending,
    mark_all_pending,
    mark_indexed,
    mark_left,
    mark_pending,
    note_windows,
    read_held,
    read_indexed,
    read_leaving,
    read_pending,
    read_to_embed,
    read_to_index,
    store_chunks,
)
from retrieval.catalogue.listings import read_fresh, read_ids, read_newest, read_titles
from retrieval.catalogue.records import Count, Counts, Fresh, Held, PendingPaper, StoredChunk, ToEmbed
from retrieval.catalogue.removal import Removed, Restored, erase, read_only_from, read_removed, remove, restore
from retrieval.catalogue.source_state import SourceState, note_failure, note_page, read_source_states, read_sources
from retrieval.catalogue.upsert import Added, ingest, owners_of, read_known
from storage.database import Database
from storage.migration import Migrations

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.catalogue.generations import LibraryState
    from retrieval.catalogue.merge import Known
    from retrieval.catalogue.scope import Scope
    from retrieval.papers import Chunk, Paper
    from retrieval.sources.fetched import Cursor, Fetched

__all__ = ["Added", "Catalogue", "Count", "Counts", "Embedded", "Fresh", "PendingPaper", "SourceState", "StoredChunk"]

# Larger files are not backed up before a migration: they are mostly vectors, and a copy may not fit on the disk. A
# failed migration changes nothing either way.
LARGEST_BACKUP: Final = 1 << 30  # bytes
MIGRATIONS: Final = Migrations(Path(__file__).parents[1] / "migrations", "catalogue_version", LARGEST_BACKUP)
MAPPED: Final = 1 << 28  # bytes that SQLite memory-maps; they count as this process's memory


class Catalogue:
    """Papers, chunks and vectors in a database; each method is one transaction.

    Attributes:
        full_texts: the full texts of papers.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._indexing = IndexLease(database.engine)
        self.full_texts = FullTexts(database, self._writing_in_turn)

    @classmethod
    async def open(cls, location: str | Path) -> Catalogue:
        """Open a file or a database URL and migrate it; raises what `Database.open` raises."""
        pragmas = {"mmap_size": MAPPED}
        return cls(await Database.open(location, MIGRATIONS, name="The catalogue", pragmas=pragmas, one_writer=True))

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def add(self, batch: Sequence[Paper | Fetched]) -> Added:
        """Ingest papers, each merged with what is known under any of its ids; all of them or none."""
        async with self._arriving() as connection:
            return await ingest(connection, batch)

    async def ingest_page(self, batch: Sequence[Fetched], source: str, cursor: Cursor, now: dt.datetime) -> Added:
        """Ingest a page's papers and store its cursor, both or neither."""
        async with self._arriving() as connection:
            added = await ingest(connection, batch)
            await note_page(connection, source, cursor, now)
            return added

    async def note_failure(self, source: str, sentence: str, now: dt.datetime) -> None:
        """Record why reading a source failed."""
        async with self._database.writing() as connection:
            await note_failure(connection, source, sentence, now)

    async def source_states(self, source: str | None = None) -> list[SourceState]:
        """The state of one source, or of all, by name."""
        async with self._database.reading() as connection:
            return await read_source_states(connection, source)

    async def current_ids(self, aliases: Iterable[str]) -> dict[str, str]:
        """Map ids to the current ids of their papers; unknown ids are left out."""
        async with self._database.reading() as connection:
            return await owners_of(connection, aliases)

    async def known(self, paper_ids: Iterable[str]) -> dict[str, Known]:
        """Everything known about papers, by id, without removed ones."""
        async with self._database.reading() as connection:
            found = await read_known(connection, paper_ids)
        return {paper_id: known for paper_id, known in found.items() if not known.removed}

    async def remove(self, paper_ids: Sequence[str], now: dt.datetime) -> list[str]:
        """Remove papers and queue them to leave the indexes; the ids of those that were in the library."""
        async with self._arriving() as connection:
            return await remove(connection, paper_ids, now)

    async def restore(self, paper_ids: Sequence[str]) -> Restored:
        """Restore removed papers, which become pending."""
        async with self._arriving() as connection:
            return await restore(connection, paper_ids)

    async def removed(self) -> list[Removed]:
        """All removed papers, last removed first."""
        async with self._database.reading() as connection:
            return await read_removed(connection)

    async def erase_removed(self, before: dt.datetime) -> None:
        """Erase the text of papers removed before a time."""
        async with self._database.writing() as connection:
            await erase(connection, before)

    async def only_from(self, source: str) -> list[str]:
        """Ids of the papers that only this source has."""
        async with self._database.reading() as connection:
            return await read_only_from(connection, source)

    async def fresh(self, after: dt.datetime, before: dt.datetime, since: dt.date | None = None) -> list[Fresh]:
        """Papers first indexed in (after, before], oldest first, without those withdrawn or removed since.

        With `since`, papers listed (or, if that is unknown, published) before that day are left out.
        """
        async with self._database.reading() as connection:
            return await read_fresh(connection, after, before, since)

    async def pending(self, limit: int, model: str) -> list[PendingPaper]:
        """Up to `limit` pending papers, with what `model` has already embedded of them."""
        async with self._database.reading() as connection:
            return await read_pending(connection, limit, model)

    async def store_chunks(self, made: Sequence[tuple[Chunk, Embedded]], model: str) -> None:
        """Replace the chunks, with their vectors, of the papers they belong to."""
        async with self._writing_in_turn() as connection:
            await store_chunks(connection, made, model)

    def claimed(self, waiting: Sequence[PendingPaper], model: str) -> AbstractAsyncContextManager[list[PendingPaper]]:
        """Claim papers to embed until the block ends; those that another process has claimed are left out."""
        return claimed(self._database, waiting, model)

    @asynccontextmanager
    async def to_embed(self, limit: int, model: str) -> AsyncIterator[ToEmbed]:
        """Claim up to `limit` pending papers that `model` has not embedded, until the block ends."""
        async with self._database.engine.begin() as connection:
            mine = await claim_unembedded(connection, limit, model)
            yield ToEmbed(await read_to_embed(connection, mine), partial(store_chunks, connection, model=model))

    async def unembedded_count(self, model: str) -> int:
        """Count the pending papers that `model` has not embedded."""
        async with self._database.reading() as connection:
            return await count_unembedded(connection, model)

    async def mark_indexed(self, done: Mapping[str, tuple[str, int]], now: dt.datetime | None = None) -> None:
        """Record the content hash and the number of chunks that the indexes now hold, by paper id.

        `now` (default: the current time) becomes `added_at` of papers that are indexed for the first time.
        """
        async with self._writing_in_turn() as connection:
            await mark_indexed(connection, done, now or datetime.now(UTC))

    async def note_windows(self, counts: Mapping[str, int]) -> None:
        """Record how many windows of each indexed paper the dense index holds."""
        async with self._writing_in_turn() as connection:
            await note_windows(connection, counts)

    async def leaving(self, limit: int) -> dict[str, int]:
        """Up to `limit` papers to drop from the indexes, each with how many of its chunks Chroma may hold."""
        async with self._database.reading() as connection:
            return await read_leaving(connection, limit)

    async def mark_left(self, paper_ids: Sequence[str]) -> None:
        """Record that these papers have left the indexes; one that was restored meanwhile becomes pending."""
        async with self._writing_in_turn() as connection:
            await mark_left(connection, paper_ids)

    async def mark_all_pending(self) -> None:
        """Make every paper pending, so that everything is indexed again."""
        async with self._writing_in_turn() as connection:
            await mark_all_pending(connection)

    async def mark_pending(self, paper_ids: Iterable[str]) -> None:
        """Make papers pending that an index has lost in whole or in part."""
        async with self._database.writing() as connection:
            await mark_pending(connection, list(paper_ids))

    async def get(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Papers by id, withdrawn ones included, removed and unknown ones left out."""
        return await self._database.read(partial(stored_rows.papers_of, paper_ids=list(paper_ids)))

    async def titles(self, limit: int) -> list[tuple[str, str]]:
        """(id, title) of up to `limit` papers, newest first, without withdrawn and removed ones."""
        async with self._database.reading() as connection:
            return await read_titles(connection, limit)

    async def titles_of(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Titles by id, without withdrawn and removed papers."""
        return await self._database.read(partial(stored_rows.titles_of, paper_ids=paper_ids))

    async def sources(self) -> list[str]:
        """The names of the papers' sources, sorted."""
        async with self._database.reading() as connection:
            return await read_sources(connection)

    async def ids(self, scope: Scope) -> list[str]:
        """Ids of the papers of a scope, newest first, without withdrawn and removed ones."""
        async with self._database.reading() as connection:
            return await read_ids(connection, scope)

    async def chunks_of(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        """The stored chunks of papers, by id, in order."""
        return await self._database.read(partial(stored_rows.chunks_of, paper_ids=list(paper_ids)))

    async def windows_of(self, paper_ids: Iterable[str]) -> list[tuple[str, bytes]]:
        """(paper id, packed float32 vector) of each window of these papers."""
        return await self._database.read(partial(stored_rows.windows_of, paper_ids=list(paper_ids)))

    async def among(self, paper_ids: Iterable[str], scope: Scope) -> list[str]:
        """The ids of the given papers that are in a scope."""
        return await self._database.read(partial(stored_rows.among, paper_ids=list(paper_ids), scope=scope))

    async def newest(self, limit: int, scope: Scope) -> list[Paper]:
        """Up to `limit` dated papers of a scope, newest first, without withdrawn and removed ones."""
        async with self._database.reading() as connection:
            return await read_newest(connection, limit, scope)

    async def count(self, scope: Scope) -> Count:
        """Count the papers of a scope, and the undated papers of its source."""
        async with self._database.reading() as connection:
            return await read_count(connection, scope)

    async def pending_count(self) -> int:
        """Count the papers that are waiting to be indexed or to leave the indexes."""
        async with self._database.reading() as connection:
            return await count_pending(connection)

    async def held(self) -> Held:
        """How much the indexes should hold, with a sample to check at startup."""
        async with self._database.reading() as connection:
            return await read_held(connection)

    async def indexed(self) -> dict[str, int]:
        """The number of windows of each indexed paper, by id."""
        async with self._database.reading() as connection:
            return await read_indexed(connection)

    async def to_index(self, paper_ids: Iterable[str]) -> tuple[dict[str, Paper], dict[str, tuple[str, ...]]]:
        """The given papers that belong in the indexes, and their authors, both by id."""
        async with self._database.reading() as connection:
            return await read_to_index(connection, list(paper_ids))

    async def changes(self, after: int, limit: int) -> dict[int, str]:
        """Up to `limit` index changes after a number: paper ids by change number."""
        async with self._database.reading() as connection:
            return await read_changes(connection, after, limit)

    async def last_change(self) -> int:
        """The number of the latest index change; 0 if there is none."""
        async with self._database.reading() as connection:
            return await read_last_change(connection)

    async def state(self, stamp: str) -> LibraryState:
        """The library's id, stamp and live collection; a new library gets this stamp."""
        async with self._database.writing() as connection:
            return await read_state(connection, stamp)

    async def begin_generation(self, *, anew: bool = True) -> None:
        """Begin to fill the next collection of vectors; with `anew`, every paper becomes pending."""
        async with self._writing_in_turn() as connection:
            await begin_generation(connection)
            if anew:
                await mark_all_pending(connection)

    async def switch_generation(self, stamp: str) -> None:
        """Make the filled collection, with its stamp, the live one."""
        async with self._writing_in_turn() as connection:
            await switch_generation(connection, stamp)

    @asynccontextmanager
    async def indexing(self) -> AsyncIterator[None]:
        """Hold the index lease, so that one process at a time indexes a shared library.

        If another process takes the lease over, writes to the index state raise LeaseLostError.
        """
        async with self._indexing.taken():
            yield

    async def counts(self) -> Counts:
        """Count papers, chunks and full texts, and what is pending."""
        async with self._database.reading() as connection:
            return await read_counts(connection)

    @asynccontextmanager
    async def _writing_in_turn(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction for the holder of the index lease; raises LeaseLostError if another process has it."""
        async with self._database.writing() as connection:
            await self._indexing.demand(connection)
            yield connection

    @asynccontextmanager
    async def _arriving(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction that excludes other ingests, also those of other processes."""
        async with self._database.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(b"footnote arrivals"))))
            yield connection
