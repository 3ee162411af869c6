"""The change feed: which papers were added to the indexes, updated in them, or dropped.

The indexer appends to it in the transaction that marks the papers, one indexer at a time, so that numbers become
visible in order. Each process applies it to its own lexical index and paper cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue.catalogue_tables import index_changes

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.ext.asyncio import AsyncConnection

BATCH: Final = 500


async def note_changes(connection: AsyncConnection, paper_ids: Collection[str]) -> None:
    """Append papers to the feed; only the last change of each paper is kept."""
    for some in batched(paper_ids, BATCH):
        await connection.execute(sa.delete(index_changes).where(index_changes.c.paper_id.in_(some)))
        await connection.execute(sa.insert(index_changes), [{"paper_id": paper_id} for paper_id in some])


async def read_changes(connection: AsyncConnection, after: int, limit: int) -> dict[int, str]:
    """Up to `limit` changes after a number: paper ids by change number, in order."""
    rows = await connection.execute(
        sa.select(index_changes.c.number, index_changes.c.paper_id)
        .where(index_changes.c.number > after)
        .order_by(index_changes.c.number)
        .limit(limit)
    )
    return dict(rows.all())


async def read_last_change(connection: AsyncConnection) -> int:
    """The number of the latest change; 0 if there is none."""
    return await connection.scalar(sa.select(sa.func.max(index_changes.c.number))) or 0
