"""How long a question may wait for the language model: one deadline shared by all of its calls."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

# Shares of the whole time. With the default of 30 s, a silent server costs 9 s, and one that falls silent after its
# first words 3 s, so that no question waits in silence for more than 12 s; a stream in progress may use all of it.
# Optional calls may be silent for 5 s at most.
_SILENCE: Final = 0.3
_PAUSE: Final = 0.1
_ASIDE: Final = 1 / 6


class Patience:
    """When a question stops waiting: at the end of the whole time, or after a silence across all its calls.

    `silence` is the share of the time that may pass without a sign of life.
    """

    def __init__(self, whole: timedelta, silence: float = _SILENCE) -> None:
        self.seconds = whole.total_seconds()
        self._share = silence
        self._end = _now() + self.seconds
        self._heard = _now()
        self._silent = 0.0
        self._allowed = self.seconds

    def begin(self) -> None:
        """Note that a call starts: the time between two calls does not count as silence."""
        self._heard = _now() - self._silent

    def end(self) -> None:
        """Note that a call has ended."""
        self._silent = _now() - self._heard

    def heard(self) -> None:
        """Note a sign of life."""
        self._heard = _now()

    def silence(self) -> float | None:
        """Tell how many seconds of silence ended the wait; None if the whole time was over."""
        return None if _now() >= self._end else round(self._allowed, 1)

    def until(self, *, briefly: bool, aside: bool = False) -> float:
        """Compute the loop time until which to wait for the next sign; `briefly` once the reply has started."""
        self._allowed = self.seconds * (_PAUSE if briefly else _ASIDE if aside else self._share)
        return min(self._end, self._heard + self._allowed)

    def aside(self) -> float:
        """Compute the loop time by which an optional call that starts now must be over, even if it is streaming."""
        return _now() + self.seconds * _SILENCE


class Wait:
    """The patience of one question, which starts with its first call."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience


_WAIT: Final[ContextVar[Wait | None]] = ContextVar("wait", default=None)


@contextmanager
def sharing(wait: Wait) -> Iterator[None]:
    """Make every call inside, also in tasks started inside, share one wait."""
    token = _WAIT.set(wait)
    try:
        yield
    finally:
        _WAIT.reset(token)


def patience(whole: timedelta) -> Patience:
    """Get what is left of the current question's patience, or a fresh one that lasts this long."""
    wait = _WAIT.get()
    if wait is None:
        return Patience(whole)
    if wait.patience is None:
        wait.patience = Patience(whole)
    return wait.patience


def _now() -> float:
    return asyncio.get_running_loop().time()
