"""Remember what was handled lately: a RESUME repeats events, and discord.py passes the repeats on."""

from __future__ import annotations

from collections import OrderedDict

CAPACITY = 10_000  # some 100 bytes each; a replay reaches back minutes


class Seen:
    """Hold the latest ids of messages and interactions, and forget the oldest beyond the capacity."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ids: OrderedDict[int, None] = OrderedDict()

    def is_new(self, snowflake: int) -> bool:
        """Remember the id, and say whether it was not known."""
        new = snowflake not in self._ids
        self._ids[snowflake] = None
        self._ids.move_to_end(snowflake)
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)
        return new
