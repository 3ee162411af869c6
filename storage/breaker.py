"""A circuit breaker: calls to a failing server fail at once, and one trial call at a time checks whether it is back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

_FAILURES: Final = 2  # in a row


class Breaker:
    """A circuit breaker that opens after two failures in a row; thread-safe.

    Args:
        rest: how long it stays open before the next trial call.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, rest: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest.total_seconds()
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    def allows_call(self) -> bool:
        """Check whether a call may be made; asking may use up the one trial call that each rest ends with."""
        if self._failures < _FAILURES:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + self._rest
        return True

    def record_success(self) -> None:
        """Record a successful call."""
        self._failures = 0

    def record_failure(self) -> None:
        """Record a failed call."""
        self._failures += 1
        if self._failures == _FAILURES:
            self._rests_until = self._clock() + self._rest
