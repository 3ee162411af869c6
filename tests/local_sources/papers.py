"""The papers of the local servers, made up, so that the repository has nobody's abstracts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

FIRST_DAY = dt.date(2026, 11, 20)
_SUBJECTS = (
    "retrieval", "alignment", "robot grasping", "speech", "code generation", "diffusion", "graphs", "protein folding",
    "long context", "evaluation", "tokenisers", "planning",
)  # fmt: skip


@dataclass(frozen=True)
class LocalPaper:
    """All that the services know about a paper; each sends its own part."""

    arxiv_id: str
    title: str
    abstract: str
    published: dt.datetime
    updated: dt.datetime
    version: int = 1
    authors: tuple[str, ...] = ("Ada Example", "Ben Sample")
    hidden: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("cs.CL", "cs.LG")
    comment: str | None = None
    doi: str | None = None
    upvotes: int = 0
    repo: str | None = None
    keywords: tuple[str, ...] = ()
    announce_type: str = "new"


def some_papers(count: int, day: dt.date = FIRST_DAY, **fields: Any) -> list[LocalPaper]:
    """Make up to 3,000 different papers of a day, newest first; `fields` go into each."""
    papers = []
    for number in range(count):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        at = dt.datetime.combine(day, dt.time(18), dt.UTC) - dt.timedelta(seconds=number)
        known: dict[str, Any] = {
            "arxiv_id": f"{day:%y%m}.{3000 * day.day + number:05}",
            "title": f"Study {number} of {subject} on {day:%d %B}",
            "abstract": f"We look at {subject} in case {number}. On {day:%d %B} it works in {number + 3} of 40 runs.",
            "published": at,
            "updated": at,
        }
        papers.append(LocalPaper(**(known | fields)))
    return papers
