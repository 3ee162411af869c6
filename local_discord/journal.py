"""Record what happens, and let others wait for something to happen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from .errors import InVainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

T = TypeVar("T")
SHOWN_LINES = 25


class Journal:
    """One line for every event, call and response; waiters check again after each line."""

    def __init__(self, patience: timedelta) -> None:
        self.lines: list[str] = []
        self._patience = patience
        self._changed = asyncio.Event()

    def note(self, line: str) -> None:
        """Record what has just happened, after the state has changed."""
        self.lines.append(line)
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """An event that is set with the next line."""
        return self._changed

    async def until(self, find: Callable[[], T | None], what: str, timeout: timedelta | None = None) -> T:  # noqa: ASYNC109 - callers wait
        """Wait for the first true result of ``find``; after ``timeout``, fail with what happened instead."""
        patience = (self._patience if timeout is None else timeout).total_seconds()
        try:
            async with asyncio.timeout(patience):
                while not (found := find()):
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise InVainError(f"Waited {patience:g} s in vain for {what}.\n{self.story()}") from None

    def story(self) -> str:
        """Format the latest lines for a failure message."""
        shown = self.lines[-SHOWN_LINES:]
        return "\n".join(["What happened:", *(f"  {line}" for line in shown)]) if shown else "Nothing happened at all."
