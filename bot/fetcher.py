"""Fetch papers on a schedule, for as long as the bot runs, and say once when a source is in trouble."""

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

# Longer than any weekend with holidays on both sides of it.
STALE_AFTER = dt.timedelta(days=7)
FEED_STALE_AFTER = dt.timedelta(days=30)


class Fetcher:
    """Read sources one after another, each when it is due; what goes wrong with one stops no other."""

    def __init__(
        self,
        library: Library,
        web: Web,
        sources: Sequence[OnlineSource],
        *,
        every: dt.timedelta,
        report: Callable[[str], Awaitable[None]],
    ) -> None:
        """Name the parts.

        Args:
            library: where the papers go.
            web: what the sources fetch with; its clock is the schedule's, too.
            sources: what to read; none is good, too.
            every: the time from one reading of a source to the next.
            report: called with a sentence when a source's trouble begins, and when it is over.
        """
        self.sources = tuple(sources)
        self.web = web
        self._library = library
        self._clock = web.clock
        self._every = every
        self._report = report
        for source in self.sources:
            for result in ("ok", "failed"):
                metrics.FETCHES.labels(source.name, result)  # from 0 on

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop; what was read a short while ago, before a restart or by another, waits its time."""
        due = {source.name: self._clock.now() for source in self.sources}
        while not stop.is_set():
            for source in self.sources:
                if due[source.name] <= self._clock.now() and not stop.is_set():
                    due[source.name] = self._clock.now() + self._every
                    await unless(stop, self._fetch_if_due(source, due))
            wait = min(due.values()) - self._clock.now() if due else self._every
            await unless(stop, self._clock.sleep(max(0.0, wait.total_seconds())))

    async def fetch(self, source: OnlineSource) -> None:
        """Read a source from where it was left, index what comes, and keep and report how it went."""
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
        """Read a source, or put down when it will be due where it was read not long ago."""
        try:
            reading = await self._library.source_state(source.name)
            last = reading.last_success if reading and reading.failing_since is None else None
            if last and last + self._every > self._clock.now():
                due[source.name] = last + self._every
            else:
                await self.fetch(source)
        except Exception:  # the database, or whoever is reported to; the next reading may go well
            log.exception("%s was not read", source.name)

    async def _read(self, source: OnlineSource) -> str | None:
        """Take every page in; return what went wrong, None if nothing did."""
        try:
            async with aclosing(self._library.ingest(source)) as pages:
                async for page, added in pages:
                    log.info("%s: %s; %s", source.name, added, page.notice or "")
        except FootnoteError as error:
            return str(error)
        except Exception as error:  # a source's answer may be stranger than anyone thought
            log.exception("%s cannot be read", source.name)
            return f"{source.name} cannot be read ({type(error).__name__}); the log says more."
        return None

    async def _staleness(self, source: OnlineSource) -> str | None:
        """Return what there is to say of a source that can be read but gives nothing new."""
        patience = _patience(source.name)
        reading = await self._library.source_state(source.name)
        if patience is None or reading is None:
            return None
        if reading.newest is None:
            if isinstance(source, PluginSource):
                return None  # a plugin need not say how new its papers are
            return f"{source.name} gives no papers at all; check FOOTNOTE_FETCH__SOURCES."
        if self._clock.now() - reading.newest > patience:
            return f"{source.name} has had nothing new since {reading.newest:%Y-%m-%d}; it may be stale."
        return None


@asynccontextmanager
async def open_fetcher(
    settings: Settings, library: Library, report: Callable[[str], Awaitable[None]]
) -> AsyncIterator[Fetcher]:
    """Give a fetcher of the sources that the settings name; raises SettingsError for one that is none."""
    from retrieval.sources.web import Web

    async with Web() as web:
        every = dt.timedelta(minutes=settings.fetch.every)
        yield Fetcher(library, web, read_sources(settings, web), every=every, report=report)


def read_sources(settings: Settings, web: Web) -> list[OnlineSource]:
    """Return the sources that the settings name; raises SettingsError for one that is none."""
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
    """Return the source on the network that a spec names, at the addresses that the settings name; None if none."""
    return open_online(spec, web, huggingface_url=settings.huggingface.base_url, arxiv_url=settings.arxiv.base_url)


def _patience(name: str) -> dt.timedelta | None:
    """Return how long a source may have nothing new, None for days that are over."""
    if name.startswith("huggingface:"):
        return None
    host = urlsplit(name).hostname if name.startswith(("http:", "https:")) else None
    return FEED_STALE_AFTER if host and not f".{host}".endswith(".arxiv.org") else STALE_AFTER
