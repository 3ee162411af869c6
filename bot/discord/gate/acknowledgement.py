"""Let everybody see a first reaction from the bot before work on anybody's answer begins."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

# How long work on an answer waits, at most, for others to be acknowledged; Discord demands that within 3 s.
LONGEST_WAIT: Final = timedelta(seconds=1)


class Acknowledgements:
    """Track the messages and interactions that the gate handles but has yet to acknowledge."""

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._calm = asyncio.Event()

    def add(self, event_id: int) -> None:
        """Mark a message or an interaction as waiting; it waits until it is acknowledged or the current task ends."""
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
        """Wait until no event but `own_id` is waiting, for LONGEST_WAIT at most."""
        if self._waiting <= {own_id}:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT.total_seconds()):
                await self._calm.wait()
