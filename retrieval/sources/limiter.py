"""Pace requests: each service has one lane, with one request at a time and a pause after each."""

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

# Hugging Face's window is 300 s; a service that asks for a longer pause gives an error instead of a wait.
PATIENCE = dt.timedelta(seconds=310)


@dataclass(frozen=True, slots=True)
class Service:
    """A service's name for people, and the seconds to leave between two requests to it."""

    name: str
    pace: float = 3.0


# arXiv's terms: one connection and one request per 3 s, for its API, feeds and OAI together.
ARXIV = Service("arXiv", 3.0)
# 500 anonymous requests per 300 s.
HUGGING_FACE = Service("Hugging Face", 0.6)


class Clock(Protocol):
    """The current time, and waiting; tests have a clock that does not wait."""

    def now(self) -> dt.datetime:
        """The current UTC time."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, duration: dt.timedelta) -> None:
        """Wait for some time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """The current UTC time."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, duration: dt.timedelta) -> None:
        """Wait for some time."""
        await asyncio.sleep(duration.total_seconds())


@dataclass(slots=True)
class _Lane:
    free_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Limiter:
    """One request at a time per service; whatever calls the same services must share one limiter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[str, _Lane] = defaultdict(_Lane)

    @asynccontextmanager
    async def turn(self, service: Service) -> AsyncIterator[None]:
        """Wait for the service's lane, and hold it for the length of the request.

        The pause counts from the end of a request, so that a slow connection does not push two together.

        Raises SourceError if the service has asked for a pause longer than PATIENCE.
        """
        lane = self._lanes[service.name]
        async with lane.lock:
            wait = dt.timedelta(seconds=self.closed_for(service))
            if wait > PATIENCE:
                until = self._clock.now() + wait
                raise SourceError(
                    f"{service.name} has asked not to be called before {until:%Y-%m-%d %H:%M} UTC; try again then."
                )
            if wait:
                await self._clock.sleep(wait)
            try:
                yield
            finally:
                self.hold(service, dt.timedelta(seconds=service.pace))

    def closed_for(self, service: Service) -> float:
        """Seconds until the service's lane is free."""
        return max(0.0, self._lanes[service.name].free_at - self._clock.monotonic())

    def hold(self, service: Service, pause: dt.timedelta) -> None:
        """Close the service's lane for some time from now, unless it is closed for longer already."""
        lane = self._lanes[service.name]
        lane.free_at = max(lane.free_at, self._clock.monotonic() + pause.total_seconds())
