"""Fetch full texts of papers that answers in servers cited: a few a day, one by one, while the bot runs."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Final

from bot.interruption import unless
from retrieval.catalogue.merge import ARXIV
from retrieval.sources.arxiv_full_text import fetch_full_text
from retrieval.sources.fetched import SourceError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from retrieval import Library
    from retrieval.sources.web import Web

log = logging.getLogger(__name__)

DAY: Final = dt.timedelta(days=1)
ASKED_FOR: Final = dt.timedelta(days=7)  # how recently a paper must have been cited
CONSIDERED: Final = 200  # papers, the most recently cited ones
EVERY: Final = dt.timedelta(minutes=10)  # between two checks for cited papers
PAUSE: Final = dt.timedelta(minutes=1)  # between two papers; parsing one takes a processor up to half a minute


class FullTextFetcher:
    """Check every few minutes what was cited, and fetch missing texts; a failure stops nothing else."""

    def __init__(
        self,
        library: Library,
        web: Web,
        arxiv_url: str,
        cited: Callable[[dt.datetime, int], Awaitable[Sequence[str]]],
        *,
        per_day: int,
    ) -> None:
        """Set up the schedule.

        Args:
            library: where the texts go.
            web: the HTTP client; it limits requests to arXiv, and the schedule uses its clock.
            arxiv_url: arXiv's host for programs.
            cited: takes a time and a number; returns the ids of at most that many papers cited since, latest first.
            per_day: the maximum number of papers tried in 24 hours, by all processes of a library; 0 for none.
        """
        self._library = library
        self._web = web
        self._clock = web.clock
        self._url = arxiv_url
        self._cited = cited
        self._per_day = per_day

    async def run(self, stop: asyncio.Event) -> None:
        """Fetch until told to stop."""
        while self._per_day and not stop.is_set():
            await unless(stop, self._look())
            await unless(stop, self._clock.sleep(EVERY))

    async def _look(self) -> None:
        try:
            await self.fetch_lacking()
        except Exception:  # the database failed; the next check may go well
            log.exception("full texts were not fetched")

    async def fetch_lacking(self) -> None:
        """Fetch missing texts of recently cited papers, up to the daily limit or until arXiv fails."""
        now = self._clock.now()
        cited = await self._library.current_ids(await self._cited(now - ASKED_FOR, CONSIDERED))
        lacking = await self._library.full_texts.lacking(list(dict.fromkeys(cited.values())), now)
        for paper_id, arxiv_id in (await self._at_arxiv(lacking)).items():
            if await self._library.full_texts.papers_tried_since(self._clock.now() - DAY) >= self._per_day:
                return
            if await self._library.full_texts.begin_attempt(paper_id, self._clock.now()):
                if not await self._fetch(paper_id, arxiv_id):
                    return
                await self._clock.sleep(PAUSE)

    async def _fetch(self, paper_id: str, arxiv_id: str) -> bool:
        """Fetch and store one text; False if arXiv cannot be asked for the next one."""
        try:
            full_text = await fetch_full_text(self._web, self._url, arxiv_id)
        except SourceError as error:
            await self._library.full_texts.note_failure(paper_id, str(error))
            log.info("no full text of %s: %s", paper_id, error)
            return not error.temporary
        if await self._library.add_full_text(paper_id, full_text):
            log.info("full text of %s: %d sections", paper_id, len(full_text.sections))
        return True

    async def _at_arxiv(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Map those of the papers that arXiv has to their arXiv ids."""
        details = await self._library.details(paper_ids)
        found = {}
        for paper_id in paper_ids:
            known = details[paper_id].external_ids if paper_id in details else ()
            if at_arxiv := next((external_id for external_id in known if external_id.startswith(ARXIV)), None):
                found[paper_id] = at_arxiv.removeprefix(ARXIV)
        return found
