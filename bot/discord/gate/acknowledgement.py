"""Acknowledge everybody who waits for a first sign of the bot before the work on answers goes on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

# So long the work on an answer waits at most for others to be acknowledged: Discord gives them 3 s.
YIELD_SECONDS: Final = 1.0


class Acknowledgements:
    """Know which messages and interactions were taken in and have no sign yet that they were."""

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._calm = asyncio.Event()

    def add(self, event_id: int) -> None:
        """Note that a message or an interaction waits for a sign, until it has one or the current task ends."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(event_id)
        self._calm.clear()
        task.add_done_callback(lambda _: self.acknowledged(event_id))

    def acknowledged(self, event_id: int) -> None:
        """Note that whoever waits has had a sign."""
        self._waiting.discard(event_id)
        if not self._waiting:
            self._calm.set()

    async def let_pass(self, own_id: int | None = None) -> None:
        """Wait, though not for long, until nobody waits for a sign; whoever waits alone under this id goes on."""
        if self._waiting <= {own_id}:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(YIELD_SECONDS):
                await self._calm.wait()
