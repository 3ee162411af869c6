"""Leave a server alone that fails again and again: nobody waits for it, and one call at a time finds out how it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILURES: Final = 2  # in a row


class Breaker:
    """Say whether to ask, by how the last calls ended; it may be asked from any thread.

    Args:
        rest: how many seconds a server that failed twice in a row is left alone.
        clock: tells seconds, from any moment on.
    """

    def __init__(self, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    def closed(self) -> bool:
        """Say whether to ask; after the rest, that lets one call through and starts another rest."""
        if self._failures < _FAILURES:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + self._rest
        return True

    def worked(self) -> None:
        """Take note that the server answered."""
        self._failures = 0

    def failed(self) -> None:
        """Take note that it did not."""
        self._failures += 1
        if self._failures == _FAILURES:
            self._rests_until = self._clock() + self._rest
