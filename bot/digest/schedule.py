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
SECOND: Final = timedelta(seconds=1)


def next_due(after: datetime, hour: int, zone: str, weekdays: Collection[int]) -> datetime:
    """Return the first instant, in UTC and later than `after`, at which it is `hour` o'clock on one of the weekdays.

    Where the clocks go forward over the hour it is the first moment after, where they go back over it the first of
    the two. `hour` is 0 to 23, `weekdays` are 0 (Monday) to 6, at least one. Raises BadInputError for an unknown zone.
    """
    time_zone = find_zone(zone)
    today = after.astimezone(time_zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD))
    dues = (first_moment(day, hour, time_zone) for day in days if day.weekday() in weekdays)
    return next(due for due in dues if due > after)


def first_moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which clocks in a zone show this hour of this day or a later time."""
    shown = datetime.combine(day, time(hour), zone)
    moment = shown.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return moment
    # Nobody's clock shows this hour: the change lies between what the offsets after it and before it would make of it.
    before, after = shown.replace(fold=1).astimezone(UTC), moment
    changed = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if middle.astimezone(zone).utcoffset() == changed:
            after = middle
        else:
            before = middle
    return after


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
