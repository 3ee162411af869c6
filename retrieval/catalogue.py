"""The catalogue: papers, their chunks and their vectors in SQL, from which every index can be made anew.

A paper is pending while `indexed_hash` differs from `content_hash`; marking it indexed is the last step of
indexing, so that a process killed at any point finds it pending and takes it up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from retrieval.errors import LibraryDamagedError
from retrieval.papers import Paper

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncEngine

    from retrieval.papers import Chunk, ChunkKind

# SQLite takes 32,766 parameters a statement and PostgreSQL 32,767; a paper row has nine.
BATCH = 500
MAPPED = 1 << 30  # bytes of the file that SQLite reads as memory: a search reads a thousand rows all over it

metadata = sa.MetaData()

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("paper_id", sa.String, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("abstract", sa.Text, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("published", sa.Date),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("indexed_hash", sa.String(64)),
    # How many chunk positions of this paper the dense index may hold, so that none outlives a shorter text.
    sa.Column("indexed_chunks", sa.Integer, nullable=False, default=0),
)

chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("paper_id", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text_hash", sa.String(64), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    # The packed vectors of a window's words, some 25 kB; last, so that SQLite can read a row without them.
    sa.Column("words", sa.LargeBinary),
    # A paper has some ten sentences, which a search for its windows need not read.
    sa.Index("chunks_by_kind", "paper_id", "kind"),
)

PENDING = papers.c.indexed_hash.is_distinct_from(papers.c.content_hash)


@dataclass(frozen=True, slots=True)
class Added:
    """Count what an `add` found: papers not known before, papers whose text changed, papers known as they are."""

    new: int = 0
    changed: int = 0
    known: int = 0

    def __add__(self, other: Added) -> Added:
        return Added(self.new + other.new, self.changed + other.changed, self.known + other.known)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Hold what a model made of a text: a unit vector and, of a window, the packed vectors of its words.

    `words` is None where the model gives none.
    """

    vector: NDArray[np.float32]
    words: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Hold a chunk as the catalogue knows it: character offsets in the abstract and its unit vector."""

    paper_id: str
    position: int
    start: int
    end: int
    kind: ChunkKind
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PendingPaper:
    """Hold a paper to index, the texts already embedded by their hash, and how many chunks Chroma may hold."""

    paper: Paper
    embedded: Mapping[str, Embedded]
    indexed_chunks: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Hold the size of the catalogue, by source, and the newest publication date where one is known."""

    papers: int
    pending: int
    chunks: int
    by_source: Mapping[str, int]
    newest: dt.date | None


class Catalogue:
    """Keep papers, chunks and vectors; each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    @classmethod
    async def open(cls, url: str) -> Catalogue:
        """Connect and create what is missing.

        Raises LibraryDamagedError where the file is no database or the server cannot be reached.
        """
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine.sync_engine, "connect", _set_up)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise LibraryDamagedError(
                f"The catalogue cannot be opened ({reason}); restore it from a backup, or choose another data dir."
            ) from error
        return cls(engine)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def add(self, batch: Sequence[Paper]) -> Added:
        """Insert new papers and replace changed ones, in one transaction; the last of equal ids wins."""
        added = Added()
        unique = list({paper.paper_id: paper for paper in batch}.values())
        async with self._engine.begin() as connection:
            for start in range(0, len(unique), BATCH):
                rows = unique[start : start + BATCH]
                ids = [paper.paper_id for paper in rows]
                found = await connection.execute(
                    sa.select(papers.c.paper_id, papers.c.content_hash).where(papers.c.paper_id.in_(ids))
                )
                known = dict(found.all())
                insert = self._insert(papers).values([_row(paper) for paper in rows])
                # A source that knows less than the one before takes nothing away.
                keep = {name: sa.func.coalesce(insert.excluded[name], papers.c[name]) for name in ("url", "published")}
                replace = {name: insert.excluded[name] for name in ("title", "abstract", "content_hash")}
                await connection.execute(insert.on_conflict_do_update(index_elements=["paper_id"], set_=replace | keep))
                same = sum(known.get(paper.paper_id) == paper.content_hash for paper in rows)
                added += Added(len(rows) - len(known), len(known) - same, same)
        return Added(added.new, added.changed, added.known + len(batch) - len(unique))

    async def pending(self, limit: int, model: str) -> list[PendingPaper]:
        """Return up to `limit` papers that wait to be indexed, with what `model` already made of them."""
        async with self._engine.connect() as connection:
            rows = (
                await connection.execute(sa.select(papers).where(PENDING).order_by(papers.c.number).limit(limit))
            ).all()
            ids = [row.paper_id for row in rows]
            stored = await connection.execute(
                sa.select(chunks.c.paper_id, chunks.c.text_hash, chunks.c.vector, chunks.c.words)
                .where(chunks.c.paper_id.in_(ids), chunks.c.model == model)
                # A window may say what a sentence says, and knows more about it: it comes last, and stays.
                .order_by(chunks.c.words.is_not(None))
            )
            embedded: dict[str, dict[str, Embedded]] = {paper_id: {} for paper_id in ids}
            for paper_id, text_hash, vector, words in stored:
                embedded[paper_id][text_hash] = Embedded(np.frombuffer(vector, np.float32), words)
        return [PendingPaper(_paper(row), embedded[row.paper_id], row.indexed_chunks) for row in rows]

    async def store_chunks(self, made: Sequence[tuple[Chunk, Embedded]], model: str) -> None:
        """Replace the chunks of the papers named, vectors included."""
        counts: dict[str, int] = {}
        for chunk, _ in made:
            counts[chunk.paper_id] = counts.get(chunk.paper_id, 0) + 1
        rows = [
            {
                "paper_id": chunk.paper_id,
                "position": chunk.position,
                "start": chunk.start,
                "end": chunk.end,
                "kind": chunk.kind,
                "text_hash": chunk.text_hash,
                "model": model,
                "vector": np.ascontiguousarray(embedded.vector, np.float32).tobytes(),
                "words": embedded.words,
            }
            for chunk, embedded in made
        ]
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(chunks).where(chunks.c.paper_id.in_(counts)))
            await connection.execute(sa.insert(chunks), rows)
            for paper_id, count in counts.items():
                await connection.execute(
                    sa.update(papers)
                    .where(papers.c.paper_id == paper_id, papers.c.indexed_chunks < count)
                    .values(indexed_chunks=count)
                )

    async def mark_indexed(self, done: Mapping[str, tuple[str, int]]) -> None:
        """Record, by paper id, the content hash and the number of chunks that every index now holds."""
        async with self._engine.begin() as connection:
            for paper_id, (content_hash, count) in done.items():
                await connection.execute(
                    sa.update(papers)
                    .where(papers.c.paper_id == paper_id)
                    .values(indexed_hash=content_hash, indexed_chunks=count)
                )

    async def mark_all_pending(self) -> None:
        """Forget what the derived indexes hold, so that everything is indexed anew."""
        async with self._engine.begin() as connection:
            await connection.execute(sa.update(papers).values(indexed_hash=None, indexed_chunks=0))

    async def get(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Return the papers known among those asked for, by id."""
        found: dict[str, Paper] = {}
        ids = list(paper_ids)
        async with self._engine.connect() as connection:
            for start in range(0, len(ids), BATCH):
                rows = await connection.execute(
                    sa.select(papers).where(papers.c.paper_id.in_(ids[start : start + BATCH]))
                )
                found |= {row.paper_id: _paper(row) for row in rows}
        return found

    async def titles(self) -> list[tuple[str, str]]:
        """Return id and title of every paper, those published or added last first."""
        order = (papers.c.published.desc().nulls_last(), papers.c.number.desc())
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(papers.c.paper_id, papers.c.title).order_by(*order))
            return [(row.paper_id, row.title) for row in rows]

    async def chunks_of(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        """Return the stored chunks of papers, by id, in order."""
        found: dict[str, list[StoredChunk]] = {}
        ids = list(paper_ids)
        async with self._engine.connect() as connection:
            for start in range(0, len(ids), BATCH):
                rows = await connection.execute(
                    sa.select(*(column for column in chunks.c if column is not chunks.c.words))
                    .where(chunks.c.paper_id.in_(ids[start : start + BATCH]))
                    .order_by(chunks.c.paper_id, chunks.c.position)
                )
                for row in rows:
                    vector = np.frombuffer(row.vector, np.float32)
                    found.setdefault(row.paper_id, []).append(
                        StoredChunk(row.paper_id, row.position, row.start, row.end, row.kind, vector)
                    )
        return found

    async def windows_of(self, paper_ids: Iterable[str]) -> list[tuple[str, bytes]]:
        """Return paper id and float32 vector of each window of these papers."""
        return await self._windows(chunks.c.vector, paper_ids)

    async def words_of(self, paper_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the packed word vectors of these papers' windows, by id; those without any are left out."""
        found: dict[str, bytes] = {}
        for paper_id, words in await self._windows(chunks.c.words, paper_ids):
            if words:
                found[paper_id] = found.get(paper_id, b"") + words
        return found

    async def _windows(self, column: sa.Column[bytes], paper_ids: Iterable[str]) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        ids = list(paper_ids)
        async with self._engine.connect() as connection:
            for start in range(0, len(ids), BATCH):
                rows = await connection.execute(
                    sa.select(chunks.c.paper_id, column).where(
                        chunks.c.paper_id.in_(ids[start : start + BATCH]), chunks.c.kind == "window"
                    )
                )
                found += rows.all()
        return found

    async def among(self, paper_ids: Iterable[str], *, since: dt.date | None, source: str | None) -> list[str]:
        """Return those of the papers that were published on a day or later, and that came from a source."""
        conditions = []
        if since is not None:
            conditions.append(papers.c.published >= since)
        if source is not None:
            conditions.append(papers.c.source == source)
        found: list[str] = []
        ids = list(paper_ids)
        async with self._engine.connect() as connection:
            for start in range(0, len(ids), BATCH):
                asked = papers.c.paper_id.in_(ids[start : start + BATCH])
                found += await connection.scalars(sa.select(papers.c.paper_id).where(asked, *conditions))
        return found

    async def sample_chunks(self, limit: int) -> list[StoredChunk]:
        """Return up to `limit` chunks of indexed papers, spread evenly over the catalogue."""
        async with self._engine.connect() as connection:
            indexed = papers.c.indexed_hash == papers.c.content_hash
            total = await connection.scalar(sa.select(sa.func.count()).select_from(papers).where(indexed)) or 0
            step = max(1, total // limit)
            ids = (
                await connection.scalars(
                    sa.select(papers.c.paper_id).where(indexed, papers.c.number % step == 0).limit(limit)
                )
            ).all()
        return [stored[0] for stored in (await self.chunks_of(ids)).values()]

    async def counts(self) -> Counts:
        """Return how much the catalogue holds and how much of it waits to be indexed."""
        async with self._engine.connect() as connection:
            by_source = await connection.execute(
                sa.select(papers.c.source, sa.func.count()).group_by(papers.c.source).order_by(papers.c.source)
            )
            sources: dict[str, int] = dict(by_source.all())
            pending = await connection.scalar(sa.select(sa.func.count()).select_from(papers).where(PENDING))
            total = await connection.scalar(sa.select(sa.func.count()).select_from(chunks))
            newest = await connection.scalar(sa.select(sa.func.max(papers.c.published)))
        return Counts(sum(sources.values()), pending or 0, total or 0, sources, newest)


def _set_up(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # SQLAlchemy's adapter of aiosqlite
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA mmap_size={MAPPED}")
    cursor.close()


def _row(paper: Paper) -> dict[str, object]:
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "abstract": paper.abstract,
        "source": paper.source,
        "url": paper.url,
        "published": paper.published,
        "content_hash": paper.content_hash,
        "indexed_chunks": 0,
    }


def _paper(row: sa.Row[tuple[object, ...]]) -> Paper:
    return Paper(row.paper_id, row.title, row.abstract, row.source, row.url, row.published)
