"""Pace requests: each service has one lane, one request at a time in it, and a pause after each."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from retrieval.sources.fetched import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Hugging Face's window is 300 s: who is sent away for longer is told so instead of kept waiting.
PATIENCE = 310.0


@dataclass(frozen=True, slots=True)
class Service:
    """Name a service as a person reads it, and the seconds to leave between two requests to it."""

    name: str
    pace: float = 3.0


# One connection and one request per 3 s, by arXiv's terms; its API, feeds and OAI share them.
ARXIV = Service("arXiv", 3.0)
# 500 anonymous requests per 300 s.
HUGGING_FACE = Service("Hugging Face", 0.6)


class Clock(Protocol):
    """Tell and pass the time; tests have one that does not wait."""

    def now(self) -> dt.datetime:
        """Return the time of day in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> dt.datetime:
        """Return the time of day in UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class _Lane:
    free_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Limiter:
    """Let requests through one by one; share one limiter among all that speak to the same services."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[str, _Lane] = defaultdict(_Lane)

    @asynccontextmanager
    async def turn(self, service: Service) -> AsyncIterator[None]:
        """Wait for the service's lane and keep it for as long as the request takes.

        The pause is counted from the end of a request, so that a slow line does not push two together.

        Raises SourceError where the service asked to be left alone for longer than PATIENCE.
        """
        lane = self._lanes[service.name]
        async with lane.lock:
            wait = lane.free_at - self._clock.monotonic()
            if wait > PATIENCE:
                until = self._clock.now() + dt.timedelta(seconds=wait)
                raise SourceError(
                    f"{service.name} has asked not to be called before {until:%Y-%m-%d %H:%M} UTC; try again then."
                )
            if wait > 0:
                await self._clock.sleep(wait)
            try:
                yield
            finally:
                self.hold(service, service.pace)

    def closed_for(self, service: Service) -> float:
        """Return for how many seconds the service's lane is closed."""
        return max(0.0, self._lanes[service.name].free_at - self._clock.monotonic())

    def hold(self, service: Service, seconds: float) -> None:
        """Keep the service's lane closed for so many seconds from now, if it is not for longer already."""
        lane = self._lanes[service.name]
        lane.free_at = max(lane.free_at, self._clock.monotonic() + seconds)
