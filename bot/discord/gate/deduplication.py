"""Remember recent events: after a RESUME Discord repeats some of them, and discord.py passes the repeats on."""

from __future__ import annotations

from typing import Final

from cachetools import LRUCache

CAPACITY: Final = 10_000  # some 100 bytes each; what Discord repeats is minutes old at most


class Deduplication:
    """The latest ids of messages and interactions; beyond the capacity the oldest are forgotten."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._versions: LRUCache[int, float] = LRUCache(capacity)

    def note_if_new(self, snowflake: int, version: float = 0.0) -> bool:
        """Record this version of a message or an interaction; False if this version or a later one was known."""
        known = self._versions.get(snowflake)
        self._versions[snowflake] = version if known is None else max(known, version)
        return known is None or version > known

    def __contains__(self, snowflake: int) -> bool:
        return snowflake in self._versions
