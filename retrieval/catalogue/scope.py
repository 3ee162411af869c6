"""The scope of a question: papers of a period, papers of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import paper_sources, papers

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter on papers: first and last day of publication (inclusive), and source; None means any.

    A paper without a date matches no scope that has a first or a last day.
    """

    since: dt.date | None = None
    until: dt.date | None = None
    source: str | None = None

    @property
    def everything(self) -> bool:
        """Whether the scope includes every paper."""
        return self == Scope()

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The SQL conditions on a row of `papers`."""
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(papers.c.published >= self.since)
        if self.until is not None:
            found.append(papers.c.published <= self.until)
        if self.source is not None:
            has = paper_sources.c.paper_id == papers.c.paper_id, paper_sources.c.source == self.source
            found.append(sa.exists().where(*has))
        return found
