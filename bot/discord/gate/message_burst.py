"""Messages that somebody writes directly to the bot in quick succession are parts of one question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    import discord

PAUSE: Final = 1.5  # seconds after which nothing more belongs to a question
REMEMBERED: Final = 1000  # messages


class Burst:
    """Hold the messages of one question as they are now, in the order in which they were written.

    Attributes:
        is_open: whether something may still belong to it.
    """

    def __init__(self, first: discord.Message) -> None:
        self.first = first
        self.is_open = False
        self._parts = {first.id: first}
        self._written = asyncio.Event()

    @property
    def parts(self) -> list[discord.Message]:
        """Return the messages that are still there."""
        return [self._parts[message_id] for message_id in sorted(self._parts)]

    def put(self, message: discord.Message) -> None:
        """Add a message, or what has become of one by an edit."""
        self._parts[message.id] = message
        self._written.set()

    def remove(self, message_id: int) -> None:
        """Take a message out that was deleted."""
        self._parts.pop(message_id, None)

    async def settle(self) -> None:
        """Wait until nothing more was written for PAUSE seconds."""
        while True:
            self._written.clear()
            try:
                async with asyncio.timeout(PAUSE):
                    await self._written.wait()
            except TimeoutError:
                return


class Bursts:
    """Know to which question each of the latest messages belongs."""

    def __init__(self) -> None:
        self._open: dict[int, Burst] = {}
        self._known: LRUCache[int, Burst] = LRUCache(REMEMBERED)

    def open(self, message: discord.Message) -> Burst | None:
        """Begin a question with a message, or again; None where one has begun in its channel to which it may belong."""
        if message.channel.id in self._open:
            return None
        burst = self._known.get(message.id) or Burst(message)
        burst.is_open = True
        self._open[message.channel.id] = self._known[message.id] = burst
        return burst

    def close(self, burst: Burst) -> None:
        """Let nothing more belong to a question."""
        if burst.is_open:
            burst.is_open = False
            del self._open[burst.first.channel.id]

    def add(self, message: discord.Message) -> None:
        """Add a message to the question that has begun in its channel."""
        burst = self._known[message.id] = self._open[message.channel.id]
        burst.put(message)

    def of(self, message_id: int) -> Burst | None:
        """Return the question that a message belongs to; None where it is a whole one, or long ago."""
        return self._known.get(message_id)
