"""When a digest is due next: at an hour of the day in a time zone, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

DAYS_AHEAD: Final = 9  # a week, and a day at each end for zones on the other side of midnight


def next_due(after: datetime, hour: int, zone: str, weekdays: Collection[int]) -> datetime:
    """The first time (UTC) after `after` at which it is `hour` o'clock on one of the weekdays.

    If the clocks go forward over that hour, the time is later by as much as they go, as in calendars (RFC 5545); if
    they go back over it, the first of the two counts. A datetime with fold=0 means the same. A day that the zone
    skipped falls together with the next one, and so has no digest of its own. `hour` is 0 to 23; `weekdays` are 0
    (Monday) to 6, at least one. Raises BadInputError for an unknown zone.
    """
    time_zone = find_zone(zone)
    today = after.astimezone(time_zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD))
    dues = (datetime.combine(day, time(hour), time_zone).astimezone(UTC) for day in days if day.weekday() in weekdays)
    return next(due for due in dues if due > after)


def local_day(moment: datetime, zone: str) -> date:
    """The date in a zone at a given time."""
    return moment.astimezone(find_zone(zone)).date()


@cache
def find_zone(name: str) -> ZoneInfo:
    """Look up a zone by its IANA name; raises BadInputError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            say("There is no time zone “{zone}”; name one as IANA does, such as Europe/Berlin.", zone=name)
        ) from error
