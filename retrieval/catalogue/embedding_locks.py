"""Claims on papers to embed, so that no two processes embed the same paper.

They are PostgreSQL advisory locks, held until the end of a transaction, and so never longer than the process lives.
With SQLite one process owns the data dir and needs no claims.
"""

from __future__ import annotations

import zlib
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from retrieval.batches import batched
from retrieval.catalogue.catalogue_tables import PENDING, chunks, papers
from retrieval.catalogue.index_queue import read_embedded
from retrieval.errors import DatabaseAwayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.catalogue.records import PendingPaper
    from storage.database import Database

KIND: Final = zlib.crc32(b"footnote embedding") >> 1  # the first key of the lock; the second is the hash of a paper id
LOOKED_AT: Final = 2048  # papers to consider, last ones first, because the indexer starts with the first


def _unembedded(model: str) -> sa.Select[Any]:
    held = sa.exists().where(chunks.c.paper_id == papers.c.paper_id, chunks.c.model == model)
    return sa.select(papers.c.paper_id).where(PENDING, ~held)


async def claim(connection: AsyncConnection, paper_ids: Sequence[str]) -> list[str]:
    """Claim papers until the transaction ends; the ones that no other process has claimed."""
    await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    wanted = sa.func.unnest(sa.cast(list(paper_ids), postgresql.ARRAY(sa.Text))).column_valued("wanted")
    mine = sa.func.pg_try_advisory_xact_lock(KIND, sa.func.hashtext(wanted))
    return list(await connection.scalars(sa.select(wanted).where(mine)))


@asynccontextmanager
async def claimed(database: Database, waiting: Sequence[PendingPaper], model: str) -> AsyncIterator[list[PendingPaper]]:
    """Claim papers to embed until the block ends; those that another process has claimed are left out."""
    lacking = {paper.paper.paper_id for paper in waiting if not paper.embedded}
    if not lacking or database.file:
        yield list(waiting)
        return
    connection = await database.engine.connect()
    try:
        mine = set(await claim(connection, sorted(lacking)))
        # A worker may have finished one just before it was claimed.
        embedded = await read_embedded(connection, sorted(mine), model)
        yield [
            replace(paper, embedded=embedded.get(paper_id, paper.embedded))
            for paper in waiting
            if (paper_id := paper.paper.paper_id) in mine or paper_id not in lacking
        ]
    finally:
        with suppress(DatabaseAwayError):  # the claims are gone with the connection
            await connection.close()


async def claim_unembedded(connection: AsyncConnection, limit: int, model: str) -> list[str]:
    """Claim up to `limit` pending papers that `model` has not embedded."""
    unembedded = _unembedded(model)
    seen = list(await connection.scalars(unembedded.order_by(papers.c.number.desc()).limit(LOOKED_AT)))
    for batch in batched(seen, limit):
        mine = await claim(connection, batch)
        # Another process may have embedded some of them since the query above.
        left = list(await connection.scalars(unembedded.where(papers.c.paper_id.in_(mine)))) if mine else []
        if left:
            return left
    return []


async def count_unembedded(connection: AsyncConnection, model: str) -> int:
    """Count the pending papers that `model` has not embedded."""
    return await connection.scalar(sa.select(sa.func.count()).select_from(_unembedded(model).subquery())) or 0
