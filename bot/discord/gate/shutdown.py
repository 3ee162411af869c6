"""Know which events are being handled, so that closing can let them finish."""

from __future__ import annotations

import asyncio
import time
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Apology: TypeAlias = Callable[[Exception], Coroutine[Any, Any, object]]

FINISH_SECONDS = 20.0  # container runtimes kill 30 s after SIGTERM unless told otherwise
APOLOGY_SECONDS = 5.0


class ClosingError(Exception):
    """Say that the bot is closing and takes nothing on."""


class GivenUpError(Exception):
    """Say that the bot is closing and waits for this work no longer."""


class Shutdown:
    """Know every task that handles an event, and what to do where closing cannot wait for it.

    Attributes:
        closing: whether nothing is taken on any more.
    """

    def __init__(self) -> None:
        self.closing = False
        self._handlers: dict[asyncio.Task[Any], tuple[Apology, Context]] = {}

    def take_on(self, apologise: Apology) -> None:
        """Let closing wait for the end of the current task; where it cannot, it calls `apologise` with GivenUpError.

        Raises ClosingError where closing has begun; the task is waited for all the same, since it has to say so.
        """
        self._watch(_current(), apologise, copy_context())
        if self.closing:
            raise ClosingError

    async def drain(self, seconds: float = FINISH_SECONDS) -> None:
        """Take nothing on any more and wait for what is in work; give up what takes too long, with an apology."""
        self.closing = True
        if await self._settle(seconds):
            return
        for task, (apologise, context) in list(self._handlers.items()):
            task.cancel()
            telling = asyncio.create_task(_tell(task, apologise), context=context)
            self._watch(telling, apologise, context)
        await self._settle(APOLOGY_SECONDS)

    def _watch(self, task: asyncio.Task[Any], apologise: Apology, context: Context) -> None:
        self._handlers[task] = (apologise, context)
        task.add_done_callback(self._handlers.pop)

    async def _settle(self, seconds: float) -> bool:
        """Wait for every handler, those included that only tell late-comers; return whether all came to their end."""
        end = time.monotonic() + seconds
        while self._handlers and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._handlers, timeout=left)
        return not self._handlers


async def _tell(task: asyncio.Task[Any], apologise: Apology) -> None:
    """Apologise for a task that was given up, once nothing of it runs any more."""
    await asyncio.wait([task])
    await apologise(GivenUpError())


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
