"""Counts: how many papers, chunks and full texts the catalogue has, and how many papers a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import GONE, STANDS, chunks, full_texts, paper_sources, papers
from retrieval.catalogue.full_text_store import WAITING
from retrieval.catalogue.index_queue import count_pending
from retrieval.catalogue.records import Count, Counts
from retrieval.catalogue.removal import REMOVED
from retrieval.catalogue.scope import Scope

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def read_counts(connection: AsyncConnection) -> Counts:
    """Count papers, chunks and full texts, and what is pending."""
    count = sa.func.count()
    # One statement each: every one has its own covering index.
    those = sa.select(count).select_from(papers)
    standing = await connection.scalar(those.where(STANDS)) or 0
    withdrawn = await connection.scalar(those.where(papers.c.withdrawn_by.is_not(None), ~REMOVED)) or 0
    removed = await connection.scalar(those.where(REMOVED)) or 0
    newest = await connection.scalar(sa.select(sa.func.max(papers.c.published)).where(STANDS))
    pending = await count_pending(connection)
    total = await connection.scalar(sa.select(count).select_from(chunks)) or 0
    waiting = await connection.scalar(sa.select(count).select_from(WAITING.subquery())) or 0
    whole = await connection.scalar(sa.select(count).select_from(full_texts).where(full_texts.c.paper_id.not_in(GONE)))
    sources = await _read_sources(connection)
    return Counts(standing, pending + waiting, total, sources, newest, withdrawn, removed, whole or 0)


async def _read_sources(connection: AsyncConnection) -> dict[str, int]:
    """Count the papers of each source, by its name and in that order, without withdrawn and removed ones."""
    by_source = sa.select(paper_sources.c.source, sa.func.count()).group_by(paper_sources.c.source)
    of_gone = await connection.execute(by_source.where(paper_sources.c.paper_id.in_(GONE)))
    gone: dict[str, int] = dict(of_gone.all())
    in_order = await connection.execute(by_source.order_by(paper_sources.c.source))
    standing = ((source, held - gone.get(source, 0)) for source, held in in_order)
    return {source: held for source, held in standing if held}


async def read_count(connection: AsyncConnection, scope: Scope) -> Count:
    """Count the papers of a scope (without withdrawn and removed ones), and the undated papers of its source."""
    count = sa.select(sa.func.count()).select_from(papers).where(STANDS)
    held = await connection.scalar(count.where(*scope.conditions()))
    of_source = Scope(source=scope.source).conditions()
    undated = await connection.scalar(count.where(papers.c.published.is_(None), *of_source))
    return Count(held or 0, undated or 0)
