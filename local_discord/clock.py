"""Tell the server's time, which a test may advance, and make the ids that contain it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


class Clock:
    """Real time plus whatever a test has added."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._last_id = 0

    def now(self) -> float:
        """Read the seconds since 1970."""
        return time.time() + self._ahead.total_seconds()

    def advance(self, by: timedelta) -> None:
        """Advance the time that the server's deadlines use."""
        self._ahead += by

    def timestamp(self) -> str:
        """Format the current time as Discord does."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat()

    def snowflake(self) -> int:
        """Make an id that is larger than all before it."""
        self._last_id = max(self._last_id + 1, int((self.now() - DISCORD_EPOCH.timestamp()) * 1000) << 22)
        return self._last_id
