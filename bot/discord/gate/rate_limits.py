"""Keep one person, or one server, from taking up all of the bot's time."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 10_000  # people and servers; the ones idle for longest are forgotten first


@dataclass(frozen=True, slots=True)
class Rate:
    """How many acts are allowed within what time."""

    count: int
    period: timedelta


PER_USER = Rate(10, timedelta(minutes=1))
PER_SERVER = Rate(60, timedelta(minutes=1))
PER_PERSON_ACTING = Rate(20, timedelta(minutes=1))  # for clicks, forms, and commands that ask nothing
PER_EXPORTER = Rate(3, timedelta(minutes=10))


@dataclass(slots=True)
class Limits:
    """Count acts in a sliding window for each person and each server."""

    per_user: Rate = PER_USER
    per_server: Rate = PER_SERVER
    clock: Callable[[], float] = time.monotonic
    _asked: LRUCache[tuple[str, int], deque[float]] = field(default_factory=lambda: LRUCache(REMEMBERED))
    _told: LRUCache[int, bool] = field(default_factory=lambda: LRUCache(REMEMBERED))

    def take(self, user_id: int, guild_id: int | None) -> float:
        """Count an act and return 0.0, or count nothing and return the seconds until the next one is allowed."""
        now = self.clock()
        books = [(self._book("user", user_id), self.per_user)]
        if guild_id is not None:
            books.append((self._book("server", guild_id), self.per_server))
        wait = max(_wait(book, rate, now) for book, rate in books)
        if wait == 0.0:
            self._told.pop(user_id, None)
            for book, _ in books:
                book.append(now)
        return wait

    def of(self, user_id: int, guild_id: int | None) -> list[tuple[str, int, int, timedelta]]:
        """List the limits for a person, and for a server if there is one, in the form that `Traffic.take` wants."""
        rates = [("person", user_id, self.per_user.count, self.per_user.period)]
        if guild_id is not None:
            rates.append(("server", guild_id, self.per_server.count, self.per_server.period))
        return rates

    def note_refusal(self, user_id: int) -> bool:
        """Note a refusal, and return whether it is the first since this person was last let in.

        Only that one is answered: to answer every message of a flood would be a flood too.
        """
        first = user_id not in self._told
        self._told[user_id] = True
        return first

    def _book(self, kind: str, snowflake: int) -> deque[float]:
        return self._asked.setdefault((kind, snowflake), deque())


def _wait(book: deque[float], rate: Rate, now: float) -> float:
    """Drop what is older than the window, and return the seconds until there is room in it."""
    period = rate.period.total_seconds()
    while book and now - book[0] >= period:
        book.popleft()
    return period - (now - book[0]) if len(book) >= rate.count else 0.0
