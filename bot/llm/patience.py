"""How long a question may wait for the language model: one deadline for all calls that it takes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shares of the whole time. With the default of 30 s a server that says nothing costs 9 s, and one that falls silent
# after its first words 3 s, so that no silence makes a question wait for over 12; a live stream has all of it. What the
# answer can do without may be silent for no more than 5 s.
_SILENCE: Final = 0.3
_PAUSE: Final = 0.1
_ASIDE: Final = 1 / 6


class Patience:
    """Hold when a question stops waiting: at the end of the whole time, or after a silence over all its calls.

    `silence` is the share of the time that may pass without a sign.
    """

    def __init__(self, seconds: float, silence: float = _SILENCE) -> None:
        self.seconds = seconds
        self._share = silence
        self._end = _now() + seconds
        self._heard = _now()
        self._silent = 0.0
        self._allowed = seconds

    def begin(self) -> None:
        """Take note that a call begins: what lies between two calls is no silence of the model's."""
        self._heard = _now() - self._silent

    def end(self) -> None:
        """Take note that a call is over."""
        self._silent = _now() - self._heard

    def heard(self) -> None:
        """Take note of a sign of life."""
        self._heard = _now()

    def silence(self) -> float | None:
        """Return how long a silence made the question stop waiting; None where the whole time was over."""
        return None if _now() >= self._end else round(self._allowed, 1)

    def until(self, *, briefly: bool, aside: bool = False) -> float:
        """Return when to stop waiting for the next sign, in the loop's time; `briefly` once there were words."""
        self._allowed = self.seconds * (_PAUSE if briefly else _ASIDE if aside else self._share)
        return min(self._end, self._heard + self._allowed)

    def aside(self) -> float:
        """Return when a call that the answer can do without, begun now, must be over, however lively it is."""
        return _now() + self.seconds * _SILENCE


class Wait:
    """Hold the patience of one question, which begins with its first call."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience


_WAIT: Final[ContextVar[Wait | None]] = ContextVar("wait", default=None)


@contextmanager
def sharing(wait: Wait) -> Iterator[None]:
    """Have every call made inside, and in tasks that are started inside, wait together."""
    token = _WAIT.set(wait)
    try:
        yield
    finally:
        _WAIT.reset(token)


def patience(seconds: float) -> Patience:
    """Return what is left of the patience of the question that is answered here, or a fresh one of so many seconds."""
    wait = _WAIT.get()
    if wait is None:
        return Patience(seconds)
    if wait.patience is None:
        wait.patience = Patience(seconds)
    return wait.patience


def _now() -> float:
    return asyncio.get_running_loop().time()
