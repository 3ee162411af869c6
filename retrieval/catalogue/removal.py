"""Removal: papers that were removed from the library stay out until somebody restores them.

A removed paper keeps its row, so that no source adds it again under any of its ids, and for UNDO also its vectors, so
that restoring it embeds nothing. After that, text and vectors are erased, and restoring only lets sources add the paper
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue.catalogue_tables import STANDS, chunks, leaving_papers, paper_aliases, paper_sources, papers
from retrieval.catalogue.full_text_store import forget
from storage.database import insert_into

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

UNDO: Final = timedelta(days=30)  # how long the text of a removed paper is kept
BATCH: Final = 500

REMOVED = papers.c.removed_at.is_not(None)


@dataclass(frozen=True, slots=True)
class Removed:
    """A removed paper; `erased` means that only its title and ids are left."""

    paper_id: str
    title: str
    removed_at: dt.datetime
    erased: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """The papers of one removal that have not been restored since.

    Attributes:
        removed_at: the time of the removal, in UTC.
        papers: at least one.
    """

    removed_at: dt.datetime
    papers: tuple[Removed, ...]

    @property
    def erased(self) -> bool:
        """Whether all papers are erased, so that only a source can bring them back."""
        return all(paper.erased for paper in self.papers)


def removals(removed: Sequence[Removed]) -> list[Removal]:
    """Group removed papers, in the order of `read_removed`, by removal; last removal first."""
    return [Removal(moment, tuple(papers)) for moment, papers in groupby(removed, key=lambda paper: paper.removed_at)]


@dataclass(frozen=True, slots=True)
class Restored:
    """The outcome of a restore: ids of papers that are `back`, and of erased ones that sources are `free` to add."""

    back: tuple[str, ...] = ()
    free: tuple[str, ...] = ()


async def let_go(connection: AsyncConnection, paper_ids: Collection[str]) -> None:
    """Queue papers, whose rows still exist, to leave the indexes."""
    if paper_ids:
        held = sa.select(papers.c.paper_id, papers.c.indexed_chunks).where(papers.c.paper_id.in_(paper_ids))
        await connection.execute(
            insert_into(connection, leaving_papers).from_select(["paper_id", "chunks"], held).on_conflict_do_nothing()
        )


async def remove(connection: AsyncConnection, paper_ids: Sequence[str], now: dt.datetime) -> list[str]:
    """Mark papers as removed and queue them to leave the indexes; the ids of those that were not removed before."""
    gone: list[str] = []
    for batch in batched(paper_ids, BATCH):
        some = papers.c.paper_id.in_(batch) & ~REMOVED
        there = list(await connection.scalars(sa.select(papers.c.paper_id).where(some)))
        await let_go(connection, there)
        await connection.execute(sa.update(papers).where(some).values(removed_at=now))
        gone += there
    return gone


async def restore(connection: AsyncConnection, paper_ids: Sequence[str]) -> Restored:
    """Make removed papers pending; erased ones are deleted from the catalogue."""
    back: list[str] = []
    free: list[str] = []
    for batch in batched(paper_ids, BATCH):
        some = papers.c.paper_id.in_(batch) & REMOVED
        rows = (await connection.execute(sa.select(papers.c.paper_id, papers.c.erased).where(some))).all()
        erased = [row.paper_id for row in rows if row.erased]
        for table in (paper_aliases, paper_sources, papers):
            await connection.execute(sa.delete(table).where(table.c.paper_id.in_(erased)))
        free += erased
        stored = [row.paper_id for row in rows if not row.erased]
        again = {"removed_at": None, "indexed_hash": None}
        await connection.execute(sa.update(papers).where(papers.c.paper_id.in_(stored)).values(again))
        back += stored
    return Restored(tuple(back), tuple(free))


async def erase(connection: AsyncConnection, before: dt.datetime) -> int:
    """Erase text and vectors of papers removed before a time; the number of papers."""
    old = (papers.c.removed_at < before) & papers.c.erased.is_(False)
    ids = sa.select(papers.c.paper_id).where(old)
    await connection.execute(sa.delete(chunks).where(chunks.c.paper_id.in_(ids)))
    await forget(connection, ids)
    nothing = dict.fromkeys(("authors", "keywords", "categories", "code_url", "url", "raw_title", "raw_abstract"))
    erased = await connection.execute(sa.update(papers).where(old).values(abstract="", erased=True, **nothing))
    return erased.rowcount


async def read_removed(connection: AsyncConnection) -> list[Removed]:
    """All removed papers, last removed first."""
    columns = papers.c.paper_id, papers.c.title, papers.c.removed_at, papers.c.erased
    order = papers.c.removed_at.desc(), papers.c.number.desc()
    return [Removed(*row) for row in await connection.execute(sa.select(*columns).where(REMOVED).order_by(*order))]


async def read_only_from(connection: AsyncConnection, source: str) -> list[str]:
    """Ids of the papers that only this source has, in order of arrival, without withdrawn and removed ones."""
    of_it = paper_sources.alias()
    others = paper_sources.alias()
    had = of_it.c.paper_id == papers.c.paper_id, of_it.c.source == source
    also = others.c.paper_id == papers.c.paper_id, others.c.source != source
    asked = sa.select(papers.c.paper_id).where(STANDS, sa.exists().where(*had), ~sa.exists().where(*also))
    return list(await connection.scalars(asked.order_by(papers.c.number)))
