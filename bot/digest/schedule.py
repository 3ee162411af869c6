"""The clock of digests: when one is due next, by an hour of the day in a time zone, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.language import say
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

DAYS_AHEAD: Final = 9  # a week, and a day at each end for zones on the other side of midnight


def next_due(after: datetime, hour: int, zone: str, weekdays: Collection[int]) -> datetime:
    """Return the first instant, in UTC and later than `after`, at which it is `hour` o'clock on one of the weekdays.

    Where the clocks go forward over the hour it is as much later as they go, as in calendars (RFC 5545); where they go
    back over it, it is the first of the two. Both are what a datetime with fold=0 means. A day that a zone skipped has
    the moment of the next, and so no digest of its own. `hour` is 0 to 23, `weekdays` are 0 (Monday) to 6, at least
    one. Raises BadInputError for an unknown zone.
    """
    time_zone = find_zone(zone)
    today = after.astimezone(time_zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD))
    dues = (datetime.combine(day, time(hour), time_zone).astimezone(UTC) for day in days if day.weekday() in weekdays)
    return next(due for due in dues if due > after)


def local_day(moment: datetime, zone: str) -> date:
    """Return the date that it is in a zone at a moment."""
    return moment.astimezone(find_zone(zone)).date()


@cache
def find_zone(name: str) -> ZoneInfo:
    """Return a zone by its IANA name; raises BadInputError for any other."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            say("There is no time zone “{zone}”; name one as IANA does, such as Europe/Berlin.", zone=name)
        ) from error
