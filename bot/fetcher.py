"""Fetch papers on a schedule while the bot runs, and report once when a source fails."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot import metrics
from bot.errors import SettingsError
from bot.interruption import unless
from retrieval import BadInputError, FootnoteError
from retrieval.sources import open_online
from retrieval.sources.plugin_source import PluginSource
from retrieval.sources.specs import ACCEPTED

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from bot.settings import Settings
    from retrieval import Library
    from retrieval.sources.fetched import OnlineSource
    from retrieval.sources.web import Web

log = logging.getLogger(__name__)

# Longer than any weekend with holidays on both sides.
STALE_AFTER = dt.timedelta(days=7)
FEED_STALE_AFTER = dt.timedelta(days=30)


class Fetcher:
    """Read sources one after another, each when it is due; a failure of one does not stop the others."""

    def __init__(
        self,
        library: Library,
        web: Web,
        sources: Sequence[OnlineSource],
        *,
        every: dt.timedelta,
        report: Callable[[str], Awaitable[None]],
    ) -> None:
        """Set up the schedule.

        Args:
            library: where the papers go.
            web: the HTTP client, whose clock the schedule uses.
            sources: what to read; may be empty.
            every: the time between two reads of a source.
            report: called with a sentence when a source starts to fail, and when it works again.
        """
        self.sources = tuple(sources)
        self.web = web
        self._library = library
        self._clock = web.clock
        self._every = every
        self._report = report
        for source in self.sources:
            for result in ("ok", "failed"):
                metrics.FETCHES.labels(source.name, result)  # so that they start at 0

    async def run(self, stop: asyncio.Event) -> None:
        """Read sources until `stop` is set; one that any process read recently waits until it is due."""
        due = {source.name: self._clock.now() for source in self.sources}
        while not stop.is_set():
            for source in self.sources:
                if due[source.name] <= self._clock.now() and not stop.is_set():
                    due[source.name] = self._clock.now() + self._every
                    await unless(stop, self._fetch_if_due(source, due))
            wait = min(due.values()) - self._clock.now() if due else self._every
            await unless(stop, self._clock.sleep(max(wait, dt.timedelta(0))))

    async def fetch(self, source: OnlineSource) -> None:
        """Read a source from its cursor, index the new papers, and store and report how it went."""
        before = await self._library.source_state(source.name)
        failing_since = before.failing_since if before else None
        failure = await self._read(source)
        metrics.FETCHES.labels(source.name, "failed" if failure else "ok").inc()
        trouble = failure or await self._staleness(source)
        if trouble:
            await self._library.note_failure(source.name, trouble, failing_since or self._clock.now())
            log.warning("%s: %s", source.name, trouble)
            if failing_since is None:
                await self._report(trouble)
        elif failing_since is not None:
            await self._report(
                f"{source.name} can be read again; it had been in trouble since {failing_since:%Y-%m-%d %H:%M} UTC."
            )

    async def _fetch_if_due(self, source: OnlineSource, due: dict[str, dt.datetime]) -> None:
        """Read a source, or schedule it if it was read recently."""
        try:
            reading = await self._library.source_state(source.name)
            last = reading.last_success if reading and reading.failing_since is None else None
            if last and last + self._every > self._clock.now():
                due[source.name] = last + self._every
            else:
                await self.fetch(source)
        except Exception:  # the database or the report failed; the next read may go well
            log.exception("%s was not read", source.name)

    async def _read(self, source: OnlineSource) -> str | None:
        """Ingest every page; return what went wrong, or None."""
        try:
            async with aclosing(self._library.ingest(source)) as pages:
                async for page, added in pages:
                    log.info("%s: %s; %s", source.name, added, page.notice or "")
        except FootnoteError as error:
            return str(error)
        except Exception as error:  # a source may reply with anything
            log.exception("%s cannot be read", source.name)
            return f"{source.name} cannot be read ({type(error).__name__}); the log says more."
        return None

    async def _staleness(self, source: OnlineSource) -> str | None:
        """Describe the problem with a source that can be read but has nothing new, or None."""
        patience = _patience(source.name)
        reading = await self._library.source_state(source.name)
        if patience is None or reading is None:
            return None
        if reading.newest is None:
            if isinstance(source, PluginSource):
                return None  # a plugin need not report how new its papers are
            return f"{source.name} gives no papers at all; check FOOTNOTE_FETCH__SOURCES."
        if self._clock.now() - reading.newest > patience:
            return f"{source.name} has had nothing new since {reading.newest:%Y-%m-%d}; it may be stale."
        return None


@asynccontextmanager
async def open_fetcher(
    settings: Settings, library: Library, report: Callable[[str], Awaitable[None]]
) -> AsyncIterator[Fetcher]:
    """Open a fetcher for the configured sources; raises SettingsError for a name that is not a source."""
    from retrieval.sources.web import Web

    async with Web() as web:
        every = dt.timedelta(minutes=settings.fetch.every)
        yield Fetcher(library, web, read_sources(settings, web), every=every, report=report)


def read_sources(settings: Settings, web: Web) -> list[OnlineSource]:
    """Parse the configured sources; raises SettingsError for a name that is not a source."""
    sources = []
    for spec in dict.fromkeys(filter(None, map(str.strip, settings.fetch.sources.split(",")))):
        try:
            source = online_source(settings, spec, web)
        except BadInputError as error:
            raise SettingsError(f"FOOTNOTE_FETCH__SOURCES is wrong: {error}") from error
        if source is None:
            raise SettingsError(
                f'FOOTNOTE_FETCH__SOURCES is wrong: "{spec}" is nothing to fetch; a source is {ACCEPTED}.'
            )
        sources.append(source)
    return sources


def online_source(settings: Settings, spec: str, web: Web) -> OnlineSource | None:
    """Open the online source that a spec names, at the configured addresses; None if it names none."""
    return open_online(spec, web, huggingface_url=settings.huggingface.base_url, arxiv_url=settings.arxiv.base_url)


def _patience(name: str) -> dt.timedelta | None:
    """How long a source may have nothing new; None for a day of Hugging Face's, which is over."""
    if name.startswith("huggingface:"):
        return None
    host = urlsplit(name).hostname if name.startswith(("http:", "https:")) else None
    return FEED_STALE_AFTER if host and not f".{host}".endswith(".arxiv.org") else STALE_AFTER
