"""Keep the failures, rate limits and pauses that a test has asked for."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

ORDINARY_LIMIT = 5  # calls that Discord lets most buckets make at once


@dataclass
class Fault:
    """What befalls the next calls of a route.

    ``stored``: the call is carried out and only its reply is lost. ``dropped``: the connection ends
    without a reply. ``gate``: the call waits for it. Without status and drop it goes its usual way.
    """

    route: str
    status: int | None = None
    code: int = 0
    message: str = "asked for by the test"
    times: int = 1
    stored: bool = False
    dropped: bool = False
    retry_after: float | None = None
    is_global: bool = False
    gate: asyncio.Event | None = None


@dataclass
class Bucket:
    """A rate limit in force: so many calls within so many seconds for each channel, guild or webhook."""

    route: str
    limit: int
    window: float
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    def admit(self, major: str) -> tuple[bool, dict[str, str], float]:
        """Count a call; return whether it may pass, the bucket headers, and the seconds until it may."""
        now = time.monotonic()
        calls = self._calls.setdefault(major, deque())
        while calls and now - calls[0] >= self.window:
            calls.popleft()
        admitted = len(calls) < self.limit
        if admitted:
            calls.append(now)
        wait = self.window - (now - calls[0])
        return admitted, headers(self.route, self.limit, self.limit - len(calls), wait), wait


@dataclass
class Faults:
    """All that was asked for and has not happened yet; ``chance`` decides of calls that nothing was asked for."""

    pending: list[Fault] = field(default_factory=list)
    chance: Callable[[str], Fault | None] | None = None
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def take(self, route: str) -> Fault | None:
        """Return what shall befall this call of the route, counting it off."""
        fault = next((one for one in self.pending if one.route == route), None)
        if fault is None:
            return self.chance(route) if self.chance else None
        fault.times -= 1
        if not fault.times:
            self.pending.remove(fault)
        return fault


def ample(route: str) -> dict[str, str]:
    """Return the headers of a bucket that never empties; without any, discord.py makes one call at a time."""
    return headers(route, ORDINARY_LIMIT, ORDINARY_LIMIT - 1, 0.1)


def headers(route: str, limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    """Return a bucket's headers as Discord sends them."""
    return {
        "X-RateLimit-Bucket": f"{hash(route) & 0xFFFFFFFF:08x}",
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
    }
