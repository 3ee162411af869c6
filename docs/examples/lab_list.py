"""A source: the reading list that a lab keeps as JSON, read with `footnote ingest lab:https://example.org/list.json`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from footnote.plugins import Cursor, Fetched, Page, Paper, Service, SourceError, identify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from footnote.plugins import Reply, Web


class LabList:
    """Read a list of papers, each with a title, an abstract and maybe a DOI and a day."""

    def __init__(self, address: str, web: Web) -> None:
        if not urlsplit(address).hostname:
            raise SourceError("Write the list's address behind lab:, as in lab:https://example.org/list.json.")
        self._address = address
        self._web = web

    async def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield the whole list as one page; Footnote skips the papers that it already has."""
        service = Service(urlsplit(self._address).hostname or "", pace=1.0)
        papers = await self._web.get(service, self._address, _read)
        newest = max((paper.updated for paper in papers if paper.updated), default=None)
        yield Page(papers, Cursor(complete=True, newest=newest), share=1.0)


def _read(reply: Reply) -> tuple[Fetched, ...]:
    try:
        return tuple(_paper(entry) for entry in json.loads(reply.body))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError("The lab's list is not the JSON that was expected; tell whoever keeps it.") from error


def _paper(entry: dict[str, str]) -> Fetched:
    day = datetime.fromisoformat(entry["day"]).replace(tzinfo=UTC) if "day" in entry else None
    paper = Paper(
        paper_id=identify(entry["title"], doi=entry.get("doi")),
        title=entry["title"],
        abstract=entry["abstract"],
        source="lab",
        published=day.date() if day else None,
    )
    return Fetched(paper, updated=day)
