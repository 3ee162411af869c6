"""Know which questions are being answered, so that closing can let them finish."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

FINISH_SECONDS = 20.0  # container runtimes kill 30 s after SIGTERM unless told otherwise
APOLOGY_SECONDS = 5.0


class GivenUpError(Exception):
    """Say that the bot is closing and waits for this work no longer."""


class InFlight:
    """Count the questions in work; after `drain` has begun, `closing` tells everyone to take no more."""

    def __init__(self) -> None:
        self.closing = False
        self._handlers: set[asyncio.Task[Any]] = set()
        self._work: set[asyncio.Task[Any]] = set()

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Count the current task as one that must come to its end before the bot closes."""
        task = asyncio.current_task()
        assert task is not None
        outermost = task not in self._handlers
        self._handlers.add(task)
        try:
            yield
        finally:
            if outermost:
                self._handlers.discard(task)

    async def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the work; raises GivenUpError where closing cannot wait for it any longer."""
        task = asyncio.create_task(work)
        self._work.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise GivenUpError from None
        finally:
            self._work.discard(task)

    async def drain(self, seconds: float = FINISH_SECONDS) -> None:
        """Take no more questions and wait for those in work; give up on late ones, who then apologise."""
        self.closing = True
        if not await self._settle(seconds):
            for task in self._work:
                task.cancel()
            await self._settle(APOLOGY_SECONDS)

    async def _settle(self, seconds: float) -> bool:
        """Wait for every handler, those included that only tell late-comers; return whether all came to their end."""
        end = time.monotonic() + seconds
        while self._handlers and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._handlers, timeout=left)
        return not self._handlers
