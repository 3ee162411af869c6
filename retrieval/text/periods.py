"""Periods: parses the time a text asks for, such as "since March", "the last 3 days" or "from 2023-05 to 2024".

This reads forms only. Ambiguous words ("may", "march", "CIFAR 2018", "2000 steps") are dates only after a word such as
"since" or "in". dateparser is no alternative: it returns days, not periods, and takes all of these for dates.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MONTH_NAMES: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS: Final = {short: number for number, name in enumerate(_MONTH_NAMES, 1) for short in (name, name[:3])} | {
    "sept": 9
}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "couple of": 2, "a couple of": 2, "two": 2, "few": 3, "a few": 3, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_DAYS_IN: Final = {"day": 1, "week": 7}
_MONTHS_IN: Final = {"month": 1, "quarter": 3, "third": 4, "year": 12, "decade": 120}
_DAYS_OF_MONTHS: Final = ("day", "dotted", "month and day", "day and month")
_MONTHS_OF_YEARS: Final = ("numbers", "turned", "month and year")
_THIRDS: Final = {"early": 1, "mid": 5, "late": 9}
_SHORT: Final = 3  # letters of an abbreviated month


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH: Final = rf"(?P<month>{_any_of(_MONTHS)})\b(?:\.(?=\s+[0-9]))?"
_YEAR: Final = r"(?P<year>(?:19[5-9]|20[0-9])[0-9])(?![0-9])"
_DAY: Final = r"(?P<day>0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?(?![0-9])"
_UNIT: Final = r"(?P<unit>week|month|quarter|year|decade)"
_LENGTH: Final = rf"(?P<number>[0-9]{{1,3}}|{_any_of(_NUMBERS)})\s+(?P<unit>day|week|month|quarter|year|decade)s?\b"

_DATES: Final = {
    "day": rf"{_YEAR}[-/](?P<month>0[1-9]|1[0-2])[-/](?P<day>[0-3][0-9])(?![0-9])",
    "dotted": rf"(?P<day>[0-3]?[0-9])\.(?P<month>0?[1-9]|1[0-2])\.{_YEAR}",
    "numbers": rf"{_YEAR}[-/](?P<month>0[1-9]|1[0-2])(?![0-9])",
    "turned": rf"(?P<month>0?[1-9]|1[0-2])/{_YEAR}",
    "month and day": rf"{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?",
    "day and month": rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?:of\s+)?{_YEAR})?",
    "month and year": rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}",
    "quarter": rf"q(?P<quarter>[1-4])\s+(?:of\s+)?{_YEAR}",
    "third": rf"(?P<third>early|mid|late)[\s-]+{_YEAR}",
    "weekday": rf"(?P<last>last\s+)?(?P<weekday>{_any_of(_WEEKDAYS)})",
}
_MAYBE_DATES: Final = {
    "decade": r"(?:the\s+)?(?P<year>(?:19[5-9]|20[0-9])0)s",
    "year": rf"(?:(?:the\s+)?year\s+)?{_YEAR}",
    "month": rf"(?P<last>last\s+)?{_MONTH}",
}
_RELATIVE: Final = {
    "past": rf"(?:the\s+)?(?:last|past|previous)\s+{_LENGTH}",
    "past one": rf"(?:(?:the\s+)?past|the\s+last)\s+{_UNIT}",
    "which": rf"(?P<which>this|last|(?:the\s+)?previous)\s+{_UNIT}",
    "ago": rf"{_LENGTH}\s+ago",
    "yesterday": "yesterday",
}
_UP_TO_NOW: Final = {"length": _LENGTH, "today": "today"}
_FORMS: Final = {
    name: re.compile(form, re.IGNORECASE)
    for name, form in (_DATES | _RELATIVE | _MAYBE_DATES | _UP_TO_NOW).items()
}  # fmt: skip


def _form(*groups: Mapping[str, str]) -> str:
    """A pattern that matches any form of the groups, without capture groups."""
    forms = "|".join(form for group in groups for form in group.values())
    return "(?:" + re.sub(r"\?P<\w+>", "?:", forms) + ")"


_STARTS: Final = r"(?<![\w.,/@#-])"
# What follows a number that only looks like a year: "2000 steps", "2000-step", "2000.5", "2000 to 4000".
_COUNTED: Final = (
    "characters|dimensions|documents|dollars|episodes|epochs|examples|frames|gpus|hours|images|instances|iterations"
    "|layers|minutes|nodes|pages|pairs|parameters|participants|patients|people|pixels|points|questions|queries|rounds"
    "|runs|samples|seconds|sentences|steps|tasks|times|tokens|trials|updates|users|videos|words"
)
_STOPS: Final = rf"(?![\w%°])(?!-\w)(?![-–.,/:]\d)(?!\s*(?:to|and|or|[-–x×*/])\s*\d)(?!\s+(?:more\s+)?(?:{_COUNTED})\b)"
_ONWARDS: Final = (
    r"(?P<onwards>\s+(?:on|onwards?|or\s+(?:later|newer)|(?:to|until|till)\s+(?:now|today|(?:the\s+)?present))\b)?"
)
_RANGE: Final = re.compile(
    rf"{_STARTS}(?:from|between|in|during|since)\s+(?P<first>{_form(_DATES, _RELATIVE, _MAYBE_DATES)})\s*"
    rf"(?:to|until|till|through|and|[-–—])\s*(?P<last>{_form(_DATES, _RELATIVE, _MAYBE_DATES)}){_STOPS}",
    re.IGNORECASE,
)
_BOUND: Final = re.compile(
    rf"{_STARTS}(?:(?P<since>since|as\s+of|starting\s+(?:from|in|on)|not?\s+(?:older|earlier)\s+than)"
    r"|(?P<after>after|(?:newer|later|more\s+recent)\s+than)|(?P<until>until|till|not?\s+(?:newer|later)\s+than)"
    r"|(?P<before>before|prior\s+to|(?:older|earlier)\s+than))"
    rf"\s+(?P<date>{_form(_DATES, _RELATIVE, _MAYBE_DATES, _UP_TO_NOW)}){_STOPS}",
    re.IGNORECASE,
)
_WITHIN: Final = re.compile(
    rf"{_STARTS}(?:(?:in|during|within|throughout|from)\s+(?P<date>{_form(_DATES, _RELATIVE, _MAYBE_DATES)})"
    rf"|(?:on|of|for|over)\s+(?P<plain>{_form(_DATES, _RELATIVE)})|(?P<bare>{_form(_RELATIVE)})){_STOPS}{_ONWARDS}",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(r"[\s,]*(?:and|but)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day (inclusive) that a text asks for, None if open, and the (start, end) in the text."""

    since: dt.date | None
    until: dt.date | None
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Date:
    """A date: its first and last day, and the form it matched."""

    first: dt.date
    last: dt.date
    form: str
    parts: Mapping[str, str | None]

    @property
    def yearless(self) -> bool:
        """Whether it is a month or a day without a year, which must be inferred."""
        return bool(self.parts.get("month")) and not self.parts.get("year")


def find_period(text: str, today: dt.date) -> Period | None:
    """Parse the first period that a text asks for; None if it asks for none.

    A month without a year is the latest one that has begun. "Last month" is the month before this one, "the last month"
    reaches back from today. A period up to now has no last day.
    """
    found = sorted(_periods(text, today), key=lambda period: (period.span[0], -period.span[1]))
    if not found:
        return None
    first = found[0]
    second = next((other for other in found if other.span[0] >= first.span[1]), None)
    if second and _JOINED.fullmatch(text, first.span[1], second.span[0]):
        return _joined(first, second) or first
    return first


def _joined(one: Period, other: Period) -> Period | None:
    """Join "since 2022" and "but before June 2024" into one period; None if they are not a start and an end."""
    begins, ends = (one, other) if one.since else (other, one)
    if begins.until or ends.since or not (begins.since and ends.until) or begins.since > ends.until:
        return None
    return Period(begins.since, ends.until, (one.span[0], other.span[1]))


def _periods(text: str, today: dt.date) -> Iterator[Period]:
    for match in _RANGE.finditer(text):
        first, last = (_read(text, match.span(group), today) for group in ("first", "last"))
        if first and last:
            days = _range(first, last, today)
            yield Period(*days, match.span())
    for match in _BOUND.finditer(text):
        if (date := _read(text, match.span("date"), today)) and _may_bound(match, date):
            yield Period(*_bound(match, date), match.span())
    for match in _WITHIN.finditer(text):
        if date := _read(text, match.span(next(group for group in ("date", "plain", "bare") if match[group])), today):
            since, until = _within(date)
            yield Period(since, None if match["onwards"] else until, match.span())


def _range(first: _Date, last: _Date, today: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of a range; a date without a year gets the one that puts it next to the other date."""
    back = first.first.month > last.first.month
    if first.yearless and last.parts.get("month"):
        if not last.yearless:
            first = _in_year(first, last.first.year - back)
        elif back and _in_year(last, first.first.year + 1).first <= today:
            last = _in_year(last, first.first.year + 1)
        elif back:  # "from November to February", said in March
            first = _in_year(first, last.first.year - 1)
        elif last.last < first.first:  # "from October to December", said in November
            first = _in_year(first, last.first.year)
    elif last.yearless and first.parts.get("month"):
        last = _in_year(last, first.first.year + back)
    return min(first.first, last.first), max(first.last, last.last)


def _in_year(date: _Date, year: int) -> _Date:
    first, last = _months(year, date.first.month)
    if date.form != "month":
        first = last = first.replace(day=min(date.first.day, last.day))
    return replace(date, first=first, last=last)


def _may_bound(match: re.Match[str], date: _Date) -> bool:
    """Whether a length can be a bound: "newer than 3 days" and "since 3 days", but not "after 3 days" of training."""
    return date.form != "length" or bool(match["since"]) or match[0].lower().find(" than ") > 0


def _bound(match: re.Match[str], date: _Date) -> tuple[dt.date | None, dt.date | None]:
    if date.form == "length":
        return (date.first, None) if match["since"] or match["after"] else (None, date.first)
    if match["since"]:
        return date.first, None
    if match["after"]:
        return date.last + dt.timedelta(days=1), None
    return None, date.last if match["until"] else date.first - dt.timedelta(days=1)


def _within(date: _Date) -> tuple[dt.date, dt.date | None]:
    if date.form in {"past", "past one"}:
        return date.first, None
    if date.form == "ago":
        return _containing(date.first, str(date.parts["unit"]).lower())
    return date.first, date.last


def _read(text: str, span: tuple[int, int], today: dt.date) -> _Date | None:
    """Parse a date; None if it does not exist or is later than next year."""
    for form, pattern in _FORMS.items():
        if match := pattern.fullmatch(text, *span):
            parts = match.groupdict()
            try:
                days = _days(form, parts, today)
            except (ValueError, OverflowError):  # the 31st of June, 999 decades ago
                return None
            return _Date(*days, form, parts) if days and days[0].year <= today.year + 1 else None
    return None


def _days(form: str, parts: Mapping[str, str | None], today: dt.date) -> tuple[dt.date, dt.date] | None:
    """First and last day of a date; raises ValueError or OverflowError if it does not exist."""
    year = int(parts.get("year") or 0)
    month = parts.get("month") or ""
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
    if form in _DAYS_OF_MONTHS:
        return _day(year, number, int(parts["day"] or 0), today)
    if form in _MONTHS_OF_YEARS:
        return _months(year, number)
    if form in {"month", "weekday"}:
        is_acronym = month.isupper() and len(month) == _SHORT  # "MAR"
        return None if is_acronym else _latest(number, parts, today)
    if year:
        quarter, third = parts.get("quarter"), parts.get("third")
        start = 3 * int(quarter) - 2 if quarter else _THIRDS[third.lower()] if third else 1
        return _months(year, start, _MONTHS_IN[form])
    return _relative(form, str(parts.get("unit")).lower(), parts, today)


def _latest(month: int, parts: Mapping[str, str | None], today: dt.date) -> tuple[dt.date, dt.date]:
    """The latest month or weekday that has begun; with "last", the latest that is over."""
    over = bool(parts["last"])
    if month:
        return _months(today.year - (month > today.month or (over and month == today.month)), month)
    back = (today.weekday() - _WEEKDAYS.index(str(parts["weekday"]).lower())) % 7
    day = today - dt.timedelta(days=back or (7 if over else 0))
    return day, day


def _relative(form: str, unit: str, parts: Mapping[str, str | None], today: dt.date) -> tuple[dt.date, dt.date]:
    if form == "today":
        return today, today
    if form == "yesterday":
        return today - dt.timedelta(days=1), today - dt.timedelta(days=1)
    if form == "which":
        this = _containing(today, unit)
        return this if str(parts["which"]).lower() == "this" else _containing(this[0] - dt.timedelta(days=1), unit)
    number = str(parts.get("number") or "one").lower()
    day = _back(today, int(number) if number.isdigit() else _NUMBERS[number], unit)
    return day, day if form == "ago" else today


def _day(year: int, month: int, day: int, today: dt.date) -> tuple[dt.date, dt.date]:
    date = dt.date(year or today.year, month, day)
    if not year and date > today:
        date = date.replace(year=today.year - 1)
    return date, date


def _months(year: int, month: int, count: int = 1) -> tuple[dt.date, dt.date]:
    end = 12 * year + month - 1 + count
    return dt.date(year, month, 1), dt.date(end // 12, end % 12 + 1, 1) - dt.timedelta(days=1)


def _containing(day: dt.date, unit: str) -> tuple[dt.date, dt.date]:
    """First and last day of the unit (day, week from Monday, month, ...) that contains a day."""
    if unit in _DAYS_IN:
        first = day - dt.timedelta(days=day.weekday() if unit == "week" else 0)
        return first, first + dt.timedelta(days=_DAYS_IN[unit] - 1)
    size = _MONTHS_IN[unit]
    first_month = (12 * day.year + day.month - 1) // size * size
    return _months(first_month // 12, first_month % 12 + 1, size)


def _back(day: dt.date, number: int, unit: str) -> dt.date:
    if unit in _DAYS_IN:
        return day - dt.timedelta(days=number * _DAYS_IN[unit])
    months = 12 * day.year + day.month - 1 - number * _MONTHS_IN[unit]
    _, last = _months(months // 12, months % 12 + 1)
    return last.replace(day=min(day.day, last.day))
