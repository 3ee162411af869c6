"""Run a command's coroutine so that a signal ends it as Ctrl-C does: whatever is open is closed first."""

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

_ENDING: Final = ("SIGTERM", "SIGHUP")  # a terminal that closes sends the second, which Windows has not


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end and return its result.

    Raises KeyboardInterrupt where Ctrl-C cut it off; after another signal the process ends as by that signal, once
    everything is closed.
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
    """Call something for each signal that asks the process to end, and return which they are.

    What is ignored from the start, as `nohup` has it, stays so; where the loop takes no handlers there are none.
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
        # Nobody but a signal cancels this task. A library that is cancelled half-open may raise an error of its own.
        if task.cancelling():
            raise asyncio.CancelledError from None
        raise
