"""Notices, which the bot posts under messages instead of answers; the next reply there replaces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEMBERED: Final = 1000  # messages


class Notices:
    """Remember the latest notices."""

    def __init__(self) -> None:
        self._posted: LRUCache[int, list[int]] = LRUCache(REMEMBERED)

    def under(self, message_id: int) -> Sequence[int]:
        """List the ids of the notices under a message, in order."""
        return self._posted.get(message_id, ())

    def note(self, message_id: int, posted: list[int]) -> None:
        """Set the notices under a message."""
        self._posted[message_id] = posted
