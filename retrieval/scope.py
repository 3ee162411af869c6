"""Which papers of the catalogue a question is about: those of a time, those of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue_tables import STANDS, paper_sources, papers
from retrieval.records import Count

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Scope:
    """Hold the first and the last day of publication, and the source; None leaves it open.

    A paper without a date is in no scope that has a first or a last day.
    """

    since: dt.date | None = None
    until: dt.date | None = None
    source: str | None = None

    @property
    def everything(self) -> bool:
        """Say whether no paper is left out."""
        return self == Scope()

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return what is true of the rows of papers in the scope."""
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(papers.c.published >= self.since)
        if self.until is not None:
            found.append(papers.c.published <= self.until)
        if self.source is not None:
            has = paper_sources.c.paper_id == papers.c.paper_id, paper_sources.c.source == self.source
            found.append(sa.exists().where(*has))
        return found


async def read_count(connection: AsyncConnection, scope: Scope) -> Count:
    """Count the papers of a scope that stand, and those of its source that have no date."""
    count = sa.select(sa.func.count()).select_from(papers).where(STANDS)
    held = await connection.scalar(count.where(*scope.conditions()))
    of_source = Scope(source=scope.source).conditions()
    undated = await connection.scalar(count.where(papers.c.published.is_(None), *of_source))
    return Count(held or 0, undated or 0)
