"""The index queue: papers waiting to enter or leave the indexes.

A paper is pending while `indexed_hash` differs from `content_hash`. Marking it indexed is the last step of indexing, so
that after a kill at any point it is still pending. A paper that was withdrawn, removed, or merged into another is in
`leaving_papers` until the indexes have dropped it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue.catalogue_tables import PENDING, STANDS, chunks, leaving_papers, papers
from retrieval.catalogue.change_feed import note_changes
from retrieval.catalogue.contents import Contents, Embedded
from retrieval.catalogue.full_text_store import queue_embedding
from retrieval.catalogue.records import Held, PendingPaper
from retrieval.catalogue.upsert import BATCH, PAPER, paper_of
from storage.columns import Moment
from storage.database import insert_into

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.papers import Chunk, Paper

PROBES: Final = 500  # papers whose vectors are checked at startup
LATEST: Final = 100  # how many of those are the latest ones, which a crash is likeliest to lose


async def read_pending(connection: AsyncConnection, limit: int, model: str) -> list[PendingPaper]:
    """Up to `limit` pending papers, with what `model` has already embedded of them."""
    rows = (
        await connection.execute(
            sa.select(*PAPER, papers.c.indexed_chunks).where(PENDING).order_by(papers.c.number).limit(limit)
        )
    ).all()
    embedded = await read_embedded(connection, [row.paper_id for row in rows], model)
    return [PendingPaper(paper_of(row), embedded[row.paper_id], row.indexed_chunks) for row in rows]


async def read_to_embed(connection: AsyncConnection, paper_ids: Sequence[str]) -> list[PendingPaper]:
    """The given papers that are still pending, without stored embeddings."""
    asked = sa.select(*PAPER, papers.c.indexed_chunks).where(PENDING, papers.c.paper_id.in_(paper_ids))
    return [PendingPaper(paper_of(row), {}, row.indexed_chunks) for row in await connection.execute(asked)]


async def read_embedded(
    connection: AsyncConnection, paper_ids: Sequence[str], model: str
) -> dict[str, dict[str, Embedded]]:
    """What `model` has embedded of the given papers: by paper id, then by the hash of a window's text."""
    stored = await connection.execute(
        sa.select(chunks.c.paper_id, chunks.c.text_hash, chunks.c.vector, chunks.c.contents).where(
            chunks.c.paper_id.in_(paper_ids), chunks.c.model == model
        )
    )
    embedded: dict[str, dict[str, Embedded]] = {paper_id: {} for paper_id in paper_ids}
    for paper_id, text_hash, vector, contents in stored:
        embedded[paper_id][text_hash] = Embedded(np.frombuffer(vector, np.float32), Contents.unpack(contents))
    return embedded


async def store_chunks(connection: AsyncConnection, made: Sequence[tuple[Chunk, Embedded]], model: str) -> None:
    """Replace the chunks, with their vectors, of the papers they belong to."""
    counts = Counter(chunk.paper_id for chunk, _ in made)
    rows = [
        {
            "paper_id": chunk.paper_id,
            "position": chunk.position,
            "start": chunk.start,
            "end": chunk.end,
            "text_hash": chunk.text_hash,
            "model": model,
            "vector": np.ascontiguousarray(embedded.vector, np.float32).tobytes(),
            "contents": embedded.contents.pack(),
        }
        for chunk, embedded in made
    ]
    await connection.execute(sa.delete(chunks).where(chunks.c.paper_id.in_(counts)))
    # If a claim was lost with its connection, another process may have stored the chunks meanwhile.
    insert = insert_into(connection, chunks)
    anew = {column.name: insert.excluded[column.name] for column in chunks.c if not column.primary_key}
    await connection.execute(insert.on_conflict_do_update(index_elements=["paper_id", "position"], set_=anew), rows)
    for paper_id, count in counts.items():
        await connection.execute(
            sa.update(papers)
            .where(papers.c.paper_id == paper_id, papers.c.indexed_chunks < count)
            .values(indexed_chunks=count)
        )


async def mark_indexed(connection: AsyncConnection, done: Mapping[str, tuple[str, int]], now: dt.datetime) -> None:
    """Record the content hash and number of chunks that the indexes now hold, by paper id, and append to the feed."""
    moment = sa.literal(now, Moment)
    for paper_id, (content_hash, count) in done.items():
        await connection.execute(
            sa.update(papers)
            .where(papers.c.paper_id == paper_id)
            .values(
                indexed_hash=content_hash,
                indexed_chunks=count,
                added_at=sa.func.coalesce(papers.c.added_at, moment),
            )
        )
    await note_changes(connection, done)


async def note_windows(connection: AsyncConnection, counts: Mapping[str, int]) -> None:
    """Record how many windows of each indexed paper the dense index holds."""
    for paper_id, count in counts.items():
        this = papers.c.paper_id == paper_id
        await connection.execute(sa.update(papers).where(this).values(indexed_chunks=count))


async def read_leaving(connection: AsyncConnection, limit: int) -> dict[str, int]:
    """Up to `limit` papers to drop from the indexes, each with how many of its chunks Chroma may hold."""
    of_paper = chunks.c.paper_id == leaving_papers.c.paper_id
    stored = sa.select(sa.func.max(chunks.c.position) + 1).where(of_paper)
    marked = sa.select(papers.c.indexed_chunks).where(papers.c.paper_id == leaving_papers.c.paper_id)
    rows = await connection.execute(
        sa.select(
            leaving_papers.c.paper_id, leaving_papers.c.chunks, stored.scalar_subquery(), marked.scalar_subquery()
        ).limit(limit)
    )
    return {paper_id: max(count or 0 for count in counts) for paper_id, *counts in rows}


async def mark_left(connection: AsyncConnection, paper_ids: Sequence[str]) -> None:
    """Record that these papers have left the indexes, and append to the feed; restored ones become pending."""
    # Removed papers keep their chunks, so that restoring them embeds nothing.
    stored = sa.select(papers.c.paper_id).where(papers.c.paper_id.in_(paper_ids), papers.c.withdrawn_by.is_(None))
    gone = chunks.c.paper_id.in_(paper_ids), chunks.c.paper_id.not_in(stored)
    await connection.execute(sa.delete(chunks).where(*gone))
    await connection.execute(sa.delete(leaving_papers).where(leaving_papers.c.paper_id.in_(paper_ids)))
    await connection.execute(
        sa.update(papers).where(papers.c.paper_id.in_(paper_ids)).values(indexed_hash=None, indexed_chunks=0)
    )
    await note_changes(connection, paper_ids)


async def mark_pending(connection: AsyncConnection, paper_ids: Sequence[str]) -> None:
    """Make papers pending that an index has lost in whole or in part."""
    for batch in batched(paper_ids, BATCH):
        asked = papers.c.paper_id.in_(batch)
        await connection.execute(sa.update(papers).where(asked).values(indexed_hash=None))


async def mark_all_pending(connection: AsyncConnection) -> None:
    """Make every paper pending, and have every full text embedded again."""
    await connection.execute(sa.update(papers).values(indexed_hash=None, indexed_chunks=0))
    await queue_embedding(connection)


async def count_pending(connection: AsyncConnection) -> int:
    """Count the papers that are waiting to be indexed or to leave the indexes."""
    count = sa.select(sa.func.count())
    waiting = await connection.scalar(count.select_from(papers).where(PENDING))
    return (waiting or 0) + (await connection.scalar(count.select_from(leaving_papers)) or 0)


async def read_held(connection: AsyncConnection) -> Held:
    """How much the indexes should hold, with a sample of papers to check at startup."""
    totals = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(papers.c.indexed_chunks), 0)).select_from(papers)
    standing, windows = (await connection.execute(totals.where(STANDS))).one()
    pending, not_yet = (await connection.execute(totals.where(PENDING))).one()
    ends = sa.select(sa.func.min(papers.c.number), sa.func.max(papers.c.number))
    first, last = (await connection.execute(ends)).one()
    whole = STANDS, papers.c.indexed_hash == papers.c.content_hash
    asked = sa.select(papers.c.paper_id, papers.c.indexed_chunks).where(*whole)
    latest = await connection.execute(asked.order_by(papers.c.number.desc()).limit(LATEST))
    probes = dict(latest.all())
    if first is not None:
        numbers = range(first, last + 1, 1 + (last - first) // (PROBES - LATEST))
        probes |= dict((await connection.execute(asked.where(papers.c.number.in_(numbers)))).all())
    return Held(standing - pending, windows - not_yet, probes)


async def read_indexed(connection: AsyncConnection) -> dict[str, int]:
    """The number of windows of each indexed paper, by id."""
    whole = STANDS, papers.c.indexed_hash == papers.c.content_hash
    asked = sa.select(papers.c.paper_id, papers.c.indexed_chunks).where(*whole).order_by(papers.c.number)
    return dict((await connection.execute(asked)).all())


async def read_to_index(
    connection: AsyncConnection, paper_ids: Sequence[str]
) -> tuple[dict[str, Paper], dict[str, tuple[str, ...]]]:
    """The given papers that belong in the indexes, and their authors, both by id."""
    found: dict[str, Paper] = {}
    authors: dict[str, tuple[str, ...]] = {}
    for batch in batched(paper_ids, BATCH):
        asked = papers.c.paper_id.in_(batch)
        for row in await connection.execute(
            sa.select(*PAPER, papers.c.authors).where(asked, STANDS, papers.c.added_at.is_not(None))
        ):
            found[row.paper_id] = paper_of(row)
            authors[row.paper_id] = tuple(row.authors or ())
    return found, authors
