"""Listings: which papers a scope, a day or a time of arrival has, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import STANDS, papers
from retrieval.catalogue.records import Fresh
from retrieval.catalogue.upsert import PAPER, paper_of, read_known

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.catalogue.scope import Scope
    from retrieval.papers import Paper

NEWEST_FIRST = papers.c.published.desc().nulls_last(), papers.c.number.desc()


async def read_ids(connection: AsyncConnection, scope: Scope) -> list[str]:
    """Ids of the papers of a scope, newest first, without withdrawn and removed ones."""
    asked = sa.select(papers.c.paper_id).where(STANDS, *scope.conditions()).order_by(*NEWEST_FIRST)
    return list(await connection.scalars(asked))


async def read_titles(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """(id, title) of up to `limit` papers, newest first, without withdrawn and removed ones."""
    asked = sa.select(papers.c.paper_id, papers.c.title).where(STANDS).order_by(*NEWEST_FIRST).limit(limit)
    return [(row.paper_id, row.title) for row in await connection.execute(asked)]


async def read_newest(connection: AsyncConnection, limit: int, scope: Scope) -> list[Paper]:
    """Up to `limit` dated papers of a scope, newest first, without withdrawn and removed ones."""
    dated = STANDS, papers.c.published.is_not(None), *scope.conditions()
    order = papers.c.published.desc(), papers.c.number.desc()
    # Sorting rows with their abstracts takes three times as long.
    newest = sa.select(papers.c.number).where(*dated).order_by(*order).limit(limit)
    rows = await connection.execute(sa.select(*PAPER).where(papers.c.number.in_(newest)).order_by(*order))
    return [paper_of(row) for row in rows]


async def read_fresh(
    connection: AsyncConnection, after: dt.datetime, before: dt.datetime, since: dt.date | None
) -> list[Fresh]:
    """Papers first indexed in (after, before], oldest first, without those withdrawn or removed since.

    With `since`, papers listed (or, if that is unknown, published) before that day are left out.
    """
    arrived = papers.c.added_at
    day = sa.func.coalesce(papers.c.listed, papers.c.published)
    news = sa.true() if since is None else sa.or_(day.is_(None), day >= since)
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
