"""Claims on papers to embed, so that of several processes no two embed the same.

They are PostgreSQL's advisory locks, which last as long as a transaction, and so no longer than the process that holds
it. A data dir has one owner, who need not claim.
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

KIND: Final = zlib.crc32(b"footnote embedding") >> 1  # beside the hash of a paper's id, as a lock of two numbers
LOOKED_AT: Final = 2048  # papers, the last ones first: whoever indexes begins with the first


def _unembedded(model: str) -> sa.Select[Any]:
    held = sa.exists().where(chunks.c.paper_id == papers.c.paper_id, chunks.c.model == model)
    return sa.select(papers.c.paper_id).where(PENDING, ~held)


async def claim(connection: AsyncConnection, paper_ids: Sequence[str]) -> list[str]:
    """Claim papers until the transaction ends, and return those that are nobody else's."""
    await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    wanted = sa.func.unnest(sa.cast(list(paper_ids), postgresql.ARRAY(sa.Text))).column_valued("wanted")
    mine = sa.func.pg_try_advisory_xact_lock(KIND, sa.func.hashtext(wanted))
    return list(await connection.scalars(sa.select(wanted).where(mine)))


async def claim_unembedded(connection: AsyncConnection, limit: int, model: str) -> list[str]:
    """Claim up to `limit` papers that wait to be indexed and of which `model` has made nothing yet."""
    unembedded = _unembedded(model)
    seen = list(await connection.scalars(unembedded.order_by(papers.c.number.desc()).limit(LOOKED_AT)))
    for start in range(0, len(seen), limit):
        mine = await claim(connection, seen[start : start + limit])
        # What was another's may be embedded since it was looked at.
        left = list(await connection.scalars(unembedded.where(papers.c.paper_id.in_(mine)))) if mine else []
        if left:
            return left
    return []


async def count_unembedded(connection: AsyncConnection, model: str) -> int:
    """Return how many papers wait to be indexed of which `model` has made nothing yet."""
    return await connection.scalar(sa.select(sa.func.count()).select_from(_unembedded(model).subquery())) or 0
