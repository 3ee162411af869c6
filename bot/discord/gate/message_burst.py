"""Bursts: direct messages that somebody writes in quick succession, taken together as one question."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    import discord

PAUSE: Final = timedelta(seconds=1.5)  # after which nothing more belongs to a question
REMEMBERED: Final = 1000  # messages


class Burst:
    """The messages that make up one question, with their latest text, in the order in which they were written.

    Attributes:
        is_open: whether further messages are still added to it.
    """

    def __init__(self, first: discord.Message) -> None:
        self.first = first
        self.is_open = False
        self._parts = {first.id: first}
        self._written = asyncio.Event()

    @property
    def parts(self) -> list[discord.Message]:
        """The messages that were not deleted."""
        return [self._parts[message_id] for message_id in sorted(self._parts)]

    def put(self, message: discord.Message) -> None:
        """Add a message, or replace one that was edited."""
        self._parts[message.id] = message
        self._written.set()

    def remove(self, message_id: int) -> None:
        """Take out a message that was deleted."""
        self._parts.pop(message_id, None)

    async def settle(self) -> None:
        """Wait until nothing has been written for as long as PAUSE."""
        while True:
            self._written.clear()
            try:
                async with asyncio.timeout(PAUSE.total_seconds()):
                    await self._written.wait()
            except TimeoutError:
                return


class Bursts:
    """The open burst of each channel, and the bursts that the latest messages belong to."""

    def __init__(self) -> None:
        self._open: dict[int, Burst] = {}
        self._known: LRUCache[int, Burst] = LRUCache(REMEMBERED)

    def collect(self, message: discord.Message) -> asyncio.Task[list[discord.Message]] | None:
        """Open a burst that begins with this message, and close it once nothing more is written or if cancelled.

        The task ends with the messages of the burst, none if all were deleted. If a burst is open in the channel, to
        which the message may be added, the result is None. The burst of a message handled before is opened again.
        """
        if message.channel.id in self._open:
            return None
        burst = self._known.get(message.id) or Burst(message)
        burst.is_open = True
        self._open[message.channel.id] = self._known[message.id] = burst
        parts = asyncio.create_task(self._collect(burst))
        parts.add_done_callback(lambda _: self._close(burst))  # a task cancelled at once has not run at all
        return parts

    async def _collect(self, burst: Burst) -> list[discord.Message]:
        await burst.settle()
        self._close(burst)  # before anything else runs, or a message could be added that nobody reads
        return burst.parts

    def _close(self, burst: Burst) -> None:
        if burst.is_open:
            burst.is_open = False
            del self._open[burst.first.channel.id]

    def add(self, message: discord.Message) -> None:
        """Add a message to the burst that is open in its channel."""
        burst = self._known[message.id] = self._open[message.channel.id]
        burst.put(message)

    def of(self, message_id: int) -> Burst | None:
        """Look up the burst that a message belongs to; None if it belongs to none, or is too old to be remembered."""
        return self._known.get(message_id)
