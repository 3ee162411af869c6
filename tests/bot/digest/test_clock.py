from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.digest.schedule import local_day, next_due
from retrieval.errors import BadInputError

EVERY_DAY = frozenset(range(7))
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """Work out what clocks show at an hour; if they are put forward over it, that is as much later."""
    before, after = (datetime.combine(day, time(hour, fold=fold), zone).utcoffset() or timedelta() for fold in (0, 1))
    return datetime.combine(day, time(hour)) + max(after - before, timedelta())


def dues(start: datetime, count: int, hour: int, zone: str, weekdays: frozenset[int] = EVERY_DAY) -> list[datetime]:
    found = [next_due(start, hour, zone, weekdays)]
    while len(found) < count:
        found.append(next_due(found[-1], hour, zone, weekdays))
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 2, 3, 8, 23])
def test_a_year_has_one_digest_a_day_at_the_hour_on_the_wall(zone: str, hour: int) -> None:
    found = dues(datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(seconds=1), 365, hour, zone)
    walls = [due.astimezone(ZoneInfo(zone)) for due in found]
    assert [wall.date() for wall in walls] == [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
    moved = [wall for wall in walls if wall.time() != time(hour)]
    # Only an hour that clocks skip moves a digest, to the end of the gap: at most once a year.
    assert len(moved) <= 1
    for wall in moved:
        just_before = (wall.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        after, before = wall.utcoffset(), just_before.utcoffset()
        assert after is not None
        assert before is not None
        assert after > before
        assert just_before.replace(tzinfo=None) < datetime.combine(wall.date(), time(hour))


def test_in_a_gap_the_digest_comes_as_much_later_as_the_clocks_go() -> None:
    # Berlin's clocks go from 2:00 to 3:00 on 29 March 2026.
    assert next_due(at("2026-03-28T12:00"), 2, "Europe/Berlin", EVERY_DAY) == at("2026-03-29T01:00")
    # Lord Howe's clocks go forward by half an hour: 2:00 becomes 2:30.
    assert next_due(at("2026-10-03T00:00"), 2, "Australia/Lord_Howe", EVERY_DAY) == at("2026-10-03T15:30")
    # Goose Bay's clocks went from 0:01 to 1:01, so that 1:00 became 2:00.
    assert next_due(at("2011-03-12T12:00"), 1, "America/Goose_Bay", EVERY_DAY) == at("2011-03-13T05:00")


def test_in_an_overlap_the_digest_comes_at_the_first_occurrence_and_once() -> None:
    first, second = dues(at("2026-10-24T12:00"), 2, 2, "Europe/Berlin")
    assert (first, second) == (at("2026-10-25T00:00"), at("2026-10-26T01:00"))


def test_a_day_that_a_zone_skipped_has_no_digest() -> None:
    # Samoa skipped 30 December 2011.
    found = dues(at("2011-12-28T19:00"), 3, 8, "Pacific/Apia")
    assert found == [at("2011-12-29T18:00"), at("2011-12-30T18:00"), at("2011-12-31T18:00")]


def test_only_the_days_chosen_count_and_they_are_those_of_the_zone() -> None:
    sunday_evening_in_utc = at("2026-03-15T20:00")
    assert next_due(sunday_evening_in_utc, 9, "Asia/Tokyo", {0}) == at("2026-03-16T00:00")
    assert next_due(at("2026-03-16T00:00"), 9, "Asia/Tokyo", {0}) == at("2026-03-23T00:00")


def test_the_date_of_a_digest_is_that_of_its_zone() -> None:
    assert local_day(at("2026-03-15T20:00"), "Asia/Tokyo") == date(2026, 3, 16)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_named_in_a_sentence(zone: str) -> None:
    with pytest.raises(BadInputError, match="no time zone"):
        next_due(at("2026-01-01T00:00"), 8, zone, EVERY_DAY)


@settings(max_examples=300, deadline=None)
@given(
    after=st.integers(946_684_800, 2_143_238_400).map(lambda second: datetime.fromtimestamp(second, UTC)),
    hour=st.integers(0, 23),
    zone=st.sampled_from(sorted(available_timezones())),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_no_due_moment_is_skipped_or_early_in_any_zone(
    after: datetime, hour: int, zone: str, weekdays: frozenset[int]
) -> None:
    due = next_due(after, hour, zone, weekdays)
    assert after < due <= after + timedelta(days=8, hours=2)
    # From any moment in between, the next one is the same: none is skipped between `after` and `due`.
    assert next_due(after + (due - after) / 2, hour, zone, weekdays) == due
    assert next_due(due - timedelta(microseconds=1), hour, zone, weekdays) == due
    wall = due.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    days = [wall.date() - timedelta(days=ago) for ago in (0, 1)]
    assert wall in [shown(day, hour, ZoneInfo(zone)) for day in days if day.weekday() in weekdays]
