"""Attempts to fetch full texts: which papers may be tried (again), and how many were tried recently."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import STANDS, full_text_attempts, full_texts, papers
from storage.database import insert_into

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

# Waiting times after the first, second and third failure; then never again.
WAITS: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=30))


async def read_lacking(connection: AsyncConnection, paper_ids: Sequence[str], now: dt.datetime) -> list[str]:
    """The given papers that have no full text and may be tried now, in the given order.

    Withdrawn and removed papers are left out.
    """
    has = sa.exists().where(full_texts.c.paper_id == papers.c.paper_id)
    rows = await connection.execute(
        sa.select(papers.c.paper_id, full_text_attempts.c.tried_at, full_text_attempts.c.times)
        .outerjoin(full_text_attempts, full_text_attempts.c.paper_id == papers.c.paper_id)
        .where(papers.c.paper_id.in_(paper_ids), STANDS, ~has)
    )
    due = {paper_id for paper_id, tried_at, times in rows if _is_due(tried_at, times, now)}
    return [paper_id for paper_id in paper_ids if paper_id in due]


async def begin(connection: AsyncConnection, paper_id: str, now: dt.datetime) -> bool:
    """Record an attempt before it is made; False if none is due, as when another process has just begun one."""
    own = full_text_attempts.c.paper_id == paper_id
    first = insert_into(connection, full_text_attempts).values(paper_id=paper_id, tried_at=now, times=1)
    if (await connection.execute(first.on_conflict_do_nothing())).rowcount:
        return True
    tried_at, times = (
        await connection.execute(sa.select(full_text_attempts.c.tried_at, full_text_attempts.c.times).where(own))
    ).one()
    again = sa.update(full_text_attempts).where(own, full_text_attempts.c.times == times)
    return _is_due(tried_at, times, now) and bool(
        (await connection.execute(again.values(tried_at=now, times=times + 1, sentence=None))).rowcount
    )


async def note_failure(connection: AsyncConnection, paper_id: str, sentence: str) -> None:
    """Record why the full text of a paper could not be fetched."""
    own = full_text_attempts.c.paper_id == paper_id
    await connection.execute(sa.update(full_text_attempts).where(own).values(sentence=sentence))


async def count_tried_since(connection: AsyncConnection, moment: dt.datetime) -> int:
    """Count the papers whose latest attempt was after a time."""
    tried = sa.select(sa.func.count()).where(full_text_attempts.c.tried_at > moment)
    return await connection.scalar(tried) or 0


def _is_due(tried_at: dt.datetime | None, times: int | None, now: dt.datetime) -> bool:
    if tried_at is None or times is None:
        return True
    return times <= len(WAITS) and tried_at + WAITS[times - 1] <= now
