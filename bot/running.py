"""Run a command's coroutine so that Ctrl-C is what ended it, whatever its parts raise while they are closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end and return its result; raises KeyboardInterrupt where Ctrl-C cut it off."""
    return asyncio.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.current_task()
    assert task is not None
    try:
        return await work
    except Exception:
        # Nobody but Ctrl-C cancels this task. A library that is cancelled half-open may raise an error of its own.
        if task.cancelling():
            raise asyncio.CancelledError from None
        raise
