"""Dates in the forms that files use: ISO, partial, RFC 2822, with month names, in milliseconds."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Any, Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED: Final = re.compile(rf"({'|'.join(_MONTHS)})[a-z]*\.?", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<!\d)[1-9]\d{3}(?!\d)")
_PARTS: Final = re.compile(r"([1-9]\d{3})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]([1-9]\d{3})(?!\d)")
_NAMED_DAY: Final = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?(?!\d)")
_LIKELY_MILLISECONDS: Final = 100_000_000_000
_DECEMBER: Final = 12


def date_of(value: Any) -> dt.date | None:  # noqa: ANN401  # whatever JSON has
    """A value as a day, None if it is no date; a year or a month counts as its first day."""
    if isinstance(value, dict):
        return date_of(value.get("date-parts") or value.get("raw") or value.get("literal") or value.get("value"))
    if isinstance(value, list):
        return _of_list(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > _LIKELY_MILLISECONDS:
        return _of_milliseconds(value)
    return _of_text(str(value).strip()) if isinstance(value, (str, int)) else None


def _of_list(values: list[Any]) -> dt.date | None:
    if values and isinstance(values[0], list):
        return _of_list(values[0])
    numbers = [int(str(value)) for value in values[:3] if str(value).isascii() and str(value).isdecimal()]
    return _day(*numbers) if numbers and numbers[0] < dt.MAXYEAR else None


def _of_milliseconds(value: int) -> dt.date | None:
    try:
        return dt.datetime.fromtimestamp(value / 1000, dt.UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _of_text(text: str) -> dt.date | None:
    if match := _PARTS.match(text):
        month = _month_named(text)
        if match[2] is None and month:
            day = _NAMED_DAY.search(text, match.end())
            return _day(int(match[1]), month, int(day[1]) if day else 1)
        return _day(*(int(part) for part in match.groups() if part))
    if match := _DAY_FIRST.match(text):
        return _european_or_american(int(match[1]), int(match[2]), int(match[3]))
    try:
        return parsedate_to_datetime(text).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return _with_words(text)


def _with_words(text: str) -> dt.date | None:
    """Read "May 2024" and "31st May, 2024"; of "Spring 2024", only the year."""
    if not (year := _YEAR.search(text)):
        return None
    month = _month_named(text)
    day = _NAMED_DAY.search(text) if month else None
    return _day(int(year[0]), month or 1, int(day[1]) if day else 1)


def _month_named(text: str) -> int | None:
    match = _NAMED.search(text)
    return _MONTHS.index(match[1].lower()) + 1 if match else None


def _european_or_american(one: int, other: int, year: int) -> dt.date | None:
    """Read 31/05/2024 and 05/31/2024; a date that could be either counts as its year."""
    if one == other or one > _DECEMBER:
        return _day(year, other, one)
    return _day(year, one, other) if other > _DECEMBER else _day(year)


def _day(year: int, month: int = 1, day: int = 1, *_: int) -> dt.date | None:
    """A date; a day or month that does not exist becomes the first, since the year is known."""
    for parts in ((year, month, day), (year, month, 1), (year, 1, 1)):
        try:
            return dt.date(*parts)
        except ValueError:
            continue
    return None
