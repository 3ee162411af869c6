"""The feed of changes: which papers the indexes came to hold, in a new version, or let go of.

The indexer writes it in the transaction that marks them, one indexer at a time, so that its numbers become visible in
their order. Each process follows it with what it holds of its own: tantivy, titles and what it has read of papers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from retrieval.catalogue_tables import index_changes

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.ext.asyncio import AsyncConnection

BATCH: Final = 500


async def note_changes(connection: AsyncConnection, paper_ids: Collection[str]) -> None:
    """Put papers at the end of the feed; of each only the last change stays."""
    ids = list(paper_ids)
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        await connection.execute(sa.delete(index_changes).where(index_changes.c.paper_id.in_(some)))
        await connection.execute(sa.insert(index_changes), [{"paper_id": paper_id} for paper_id in some])


async def read_changes(connection: AsyncConnection, after: int, limit: int) -> dict[int, str]:
    """Return up to `limit` papers that changed after a number, by their numbers, in order."""
    rows = await connection.execute(
        sa.select(index_changes.c.number, index_changes.c.paper_id)
        .where(index_changes.c.number > after)
        .order_by(index_changes.c.number)
        .limit(limit)
    )
    return dict(rows.all())


async def read_last_change(connection: AsyncConnection) -> int:
    """Return the number of the latest change, 0 where there is none."""
    return await connection.scalar(sa.select(sa.func.max(index_changes.c.number))) or 0
