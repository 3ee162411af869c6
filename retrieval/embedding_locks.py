"""Claims on papers to embed, so that no two processes embed the same paper.

They are PostgreSQL advisory locks, held until the end of a transaction, and so never longer than the process lives.
With SQLite one process owns the data dir and needs no claims.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from retrieval.catalogue_tables import PENDING, chunks, papers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

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


async def claim_unembedded(connection: AsyncConnection, limit: int, model: str) -> list[str]:
    """Claim up to `limit` pending papers that `model` has not embedded."""
    unembedded = _unembedded(model)
    seen = list(await connection.scalars(unembedded.order_by(papers.c.number.desc()).limit(LOOKED_AT)))
    for start in range(0, len(seen), limit):
        mine = await claim(connection, seen[start : start + limit])
        # Another process may have embedded some of them since the query above.
        left = list(await connection.scalars(unembedded.where(papers.c.paper_id.in_(mine)))) if mine else []
        if left:
            return left
    return []


async def count_unembedded(connection: AsyncConnection, model: str) -> int:
    """Count the pending papers that `model` has not embedded."""
    return await connection.scalar(sa.select(sa.func.count()).select_from(_unembedded(model).subquery())) or 0
