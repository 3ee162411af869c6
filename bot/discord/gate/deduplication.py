"""Remember what was handled lately: a RESUME repeats events, and discord.py passes the repeats on."""

from __future__ import annotations

from typing import Final

from cachetools import LRUCache

CAPACITY: Final = 10_000  # some 100 bytes each; a replay reaches back minutes


class Deduplication:
    """Hold the latest ids of messages and interactions, and forget the oldest beyond the capacity."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._versions: LRUCache[int, float] = LRUCache(capacity)

    def note_if_new(self, snowflake: int, version: float = 0.0) -> bool:
        """Remember the id, and say whether neither this version of it was known nor a later one."""
        known = self._versions.get(snowflake)
        self._versions[snowflake] = version if known is None else max(known, version)
        return known is None or version > known

    def __contains__(self, snowflake: int) -> bool:
        return snowflake in self._versions
