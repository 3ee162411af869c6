"""Acknowledge everybody who has had no reaction from the bot yet before working on answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

# The longest time that work on an answer waits for others' acknowledgements; Discord gives those 3 s.
YIELD_SECONDS: Final = 1.0


class Acknowledgements:
    """Track the messages and interactions that were admitted but not acknowledged yet."""

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._calm = asyncio.Event()

    def add(self, event_id: int) -> None:
        """Mark a message or an interaction as waiting, until it is acknowledged or the current task ends."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(event_id)
        self._calm.clear()
        task.add_done_callback(lambda _: self.mark_acknowledged(event_id))

    def mark_acknowledged(self, event_id: int) -> None:
        """Mark a message or an interaction as acknowledged."""
        self._waiting.discard(event_id)
        if not self._waiting:
            self._calm.set()

    async def let_pass(self, own_id: int | None = None) -> None:
        """Wait up to YIELD_SECONDS until nobody else waits; return at once if only `own_id` does."""
        if self._waiting <= {own_id}:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(YIELD_SECONDS):
                await self._calm.wait()
