"""Run a command's coroutine so that signals end it like Ctrl-C: everything open is closed first."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_ENDING: Final = ("SIGTERM", "SIGHUP")  # SIGHUP comes from a closing terminal; Windows does not have it


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result.

    Raises KeyboardInterrupt after Ctrl-C. After another signal, everything is closed and then the process ends by that
    signal.
    """
    gc.freeze()  # what was imported stays until the end: no collection has to look at it again
    gc.enable()
    received: list[signal.Signals] = []
    try:
        return asyncio.run(_interruptible(work, received))
    except asyncio.CancelledError:
        if received:
            signal.signal(received[0], signal.SIG_DFL)
            os.kill(os.getpid(), received[0])
        raise


def on_ending_signals(do: Callable[[signal.Signals], object], *more: signal.Signals) -> list[signal.Signals]:
    """Register a callback for each signal that asks the process to end, and return those signals.

    Signals that are ignored from the start, as under `nohup`, stay ignored. Empty if the loop supports no handlers.
    """
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)] + list(more)
    watched = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows
        for number in watched:
            loop.add_signal_handler(number, do, number)
        return watched
    return []


async def _interruptible(work: Coroutine[Any, Any, T], received: list[signal.Signals]) -> T:
    task = asyncio.current_task()
    assert task is not None

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    on_ending_signals(end)
    try:
        return await work
    except Exception:
        # Only a signal cancels this task, but a library that is cancelled half-open may raise its own error.
        if task.cancelling():
            raise asyncio.CancelledError from None
        raise
