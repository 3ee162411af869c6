"""Track the events that are being handled, so that they can finish before the bot closes."""

from __future__ import annotations

import asyncio
import time
from contextvars import Context, copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Apology: TypeAlias = Callable[[Exception], Coroutine[Any, Any, object]]

TIME_TO_FINISH = timedelta(seconds=20)  # Kubernetes kills a container 30 s after SIGTERM by default
TIME_TO_APOLOGISE = timedelta(seconds=5)


class ClosingError(Exception):
    """The bot is closing and accepts nothing new."""


class GivenUpError(Exception):
    """The bot is closing and no longer waits for this work."""


class Shutdown:
    """Track every task that handles an event, and how to apologise if closing cannot wait for it to finish.

    Attributes:
        closing: whether new events are refused.
    """

    def __init__(self) -> None:
        self.closing = False
        self._handlers: dict[asyncio.Task[Any], tuple[Apology, Context]] = {}

    def take_on(self, apologise: Apology) -> None:
        """Make closing wait for the current task; if it takes too long, `apologise` is called with GivenUpError.

        Raises ClosingError if closing has begun. Even then closing waits for the task, which has to report the error.
        """
        self._watch(_current(), apologise, copy_context())
        if self.closing:
            raise ClosingError

    async def drain(self, patience: timedelta = TIME_TO_FINISH) -> None:
        """Refuse new events and wait for the tasks in progress; cancel those that take too long, with an apology."""
        self.closing = True
        if await self._settle(patience):
            return
        for task, (apologise, context) in list(self._handlers.items()):
            task.cancel()
            telling = asyncio.create_task(_tell(task, apologise), context=context)
            self._watch(telling, apologise, context)
        await self._settle(TIME_TO_APOLOGISE)

    def _watch(self, task: asyncio.Task[Any], apologise: Apology, context: Context) -> None:
        self._handlers[task] = (apologise, context)
        task.add_done_callback(self._handlers.pop)

    async def _settle(self, patience: timedelta) -> bool:
        """Wait for every tracked task, including those that only report ClosingError; True if all have ended."""
        end = time.monotonic() + patience.total_seconds()
        while self._handlers and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._handlers, timeout=left)
        return not self._handlers


async def _tell(task: asyncio.Task[Any], apologise: Apology) -> None:
    """Apologise for a cancelled task, once it has ended."""
    await asyncio.wait([task])
    await apologise(GivenUpError())


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
