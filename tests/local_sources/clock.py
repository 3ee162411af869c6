"""A clock on which time passes without waiting."""

from __future__ import annotations

import asyncio
import datetime as dt


class LocalClock:
    """Start at a given time, and move on only when something sleeps or the test says so."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)) -> None:
        self.start = now
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, duration: dt.timedelta) -> None:
        self.slept.append(duration.total_seconds())
        self.passed += duration.total_seconds()
        await asyncio.sleep(0)

    def advance(self, **by: float) -> None:
        self.passed += dt.timedelta(**by).total_seconds()
