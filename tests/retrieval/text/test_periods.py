from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text.periods import Period, find_period

TODAY = dt.date(2026, 11, 20)  # a Friday


def _day(written: str) -> dt.date | None:
    return dt.date.fromisoformat(written) if written else None


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("since March", "2026-03-01", ""),
        ("since december", "2025-12-01", ""),
        ("since Mar. 2024", "2024-03-01", ""),
        ("since may", "2026-05-01", ""),
        ("since 2023", "2023-01-01", ""),
        ("since the year 2023", "2023-01-01", ""),
        ("since early 2023", "2023-01-01", ""),
        ("since Q2 2025", "2025-04-01", ""),
        ("since the 2010s", "2010-01-01", ""),
        ("since 2024-05-31", "2024-05-31", ""),
        ("since 31.5.2024", "2024-05-31", ""),
        ("since 05/2024", "2024-05-01", ""),
        ("since last month", "2026-10-01", ""),
        ("since last March", "2026-03-01", ""),
        ("since last November", "2025-11-01", ""),
        ("since the 5th of March", "2026-03-05", ""),
        ("since December 24", "2025-12-24", ""),
        ("since yesterday", "2026-11-19", ""),
        ("since today", "2026-11-20", ""),
        ("since Monday", "2026-11-16", ""),
        ("since last Friday", "2026-11-13", ""),
        ("since two weeks ago", "2026-11-06", ""),
        ("since 3 days", "2026-11-17", ""),
        ("starting in 2024", "2024-01-01", ""),
        ("no older than six months", "2026-05-20", ""),
        ("newer than a week", "2026-11-13", ""),
        ("newer than 2023", "2024-01-01", ""),
        ("after June 2022", "2022-07-01", ""),
        ("after 2023-02-28", "2023-03-01", ""),
        ("from 2023 on", "2023-01-01", ""),
        ("from March onwards", "2026-03-01", ""),
        ("from 2023 to now", "2023-01-01", ""),
        ("before June 2022", "", "2022-05-31"),
        ("before March", "", "2026-02-28"),
        ("prior to 2020", "", "2019-12-31"),
        ("until 2022", "", "2022-12-31"),
        ("till May 2024", "", "2024-05-31"),
        ("older than two years", "", "2024-11-20"),
        ("not later than 2023", "", "2023-12-31"),
        ("in 2024", "2024-01-01", "2024-12-31"),
        ("from 2024", "2024-01-01", "2024-12-31"),
        ("during the 2010s", "2010-01-01", "2019-12-31"),
        ("in March", "2026-03-01", "2026-03-31"),
        ("in February 2024", "2024-02-01", "2024-02-29"),
        ("of May 2024", "2024-05-01", "2024-05-31"),
        ("on 5 March 2024", "2024-03-05", "2024-03-05"),
        ("on Monday", "2026-11-16", "2026-11-16"),
        ("in late 2022", "2022-09-01", "2022-12-31"),
        ("from 2023-05 to 2024", "2023-05-01", "2024-12-31"),
        ("between 2021 and 2023", "2021-01-01", "2023-12-31"),
        ("between 2024 and March", "2024-01-01", "2026-03-31"),
        ("between 2023 and 2021", "2021-01-01", "2023-12-31"),
        ("between March and May", "2026-03-01", "2026-05-31"),
        ("from November to February", "2025-11-01", "2026-02-28"),
        ("from October to December", "2025-10-01", "2025-12-31"),
        ("from March to June 2022", "2022-03-01", "2022-06-30"),
        ("from October to March 2022", "2021-10-01", "2022-03-31"),
        ("from October 2021 to March", "2021-10-01", "2022-03-31"),
        ("from the 5th of March to 7 April 2024", "2024-03-05", "2024-04-07"),
        ("from the 5th of March to 7 April", "2026-03-05", "2026-04-07"),
        ("in 2022-2024", "2022-01-01", "2024-12-31"),
        ("in 2022–2024", "2022-01-01", "2024-12-31"),
        ("since 2022 until June 2024", "2022-01-01", "2024-06-30"),
        ("after 2022 and before June 2024", "2023-01-01", "2024-05-31"),
        ("before 2024, but after 2021", "2022-01-01", "2023-12-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("the previous quarter", "2026-07-01", "2026-09-30"),
        ("this week", "2026-11-16", "2026-11-22"),
        ("this month", "2026-11-01", "2026-11-30"),
        ("this year", "2026-01-01", "2026-12-31"),
        ("past 3 days", "2026-11-17", ""),
        ("in the last 3 days", "2026-11-17", ""),
        ("over the past two years", "2024-11-20", ""),
        ("the last week", "2026-11-13", ""),
        ("the past month", "2026-10-20", ""),
        ("within the last couple of months", "2026-09-20", ""),
        ("for the last 30 days", "2026-10-21", ""),
        ("yesterday", "2026-11-19", "2026-11-19"),
        ("3 days ago", "2026-11-17", "2026-11-17"),
        ("from two weeks ago", "2026-11-02", "2026-11-08"),
        ("a year ago", "2025-01-01", "2025-12-31"),
    ],
)
def test_a_time_is_read_in_any_sentence(text: str, since: str, until: str) -> None:
    for sentence in ("{}", "which papers {} are about agents?", "Agents ({}), please!", "new\n{}."):
        start = sentence.index("{}")
        expected = Period(_day(since), _day(until), (start, start + len(text)))
        assert find_period(sentence.format(text), TODAY) == expected
        if " to now" not in text:
            shouted = find_period(sentence.format(text.upper()), TODAY)
            assert shouted == expected or "MAR" in text.upper() or "MAY" in text.upper()


@pytest.mark.parametrize(
    "text",
    [
        "what may this be, and what may be said since?",
        "march of progress: models march in step",
        "CIFAR 2018, a 2023 paper, NeurIPS 2024 and the 2022 edition",
        "2024",
        "in the 2024 election, since the 2023 release",
        "after 2000 steps, in 2000 samples and before 2010 more epochs",
        "from 2000 to 4000 samples, between 2020 and 2022 samples",
        "in 2048 dimensions, in 2000-dimensional spaces, in 2000x2000, in 2000%",
        "since 2.7.1, in 2023.5, in 2,000, since v2023",
        "after 3 days of training, before one week, until two weeks, in 3 days",
        "the last layer, past work, in the past, the last 5 layers, this paper, this day",
        "gpt-4o-2024-05-13, GPT-4 (2024-05-13) and 2024-05",
        "in MAR and since DEC, from SEP to VAR",
        "LLMs of today",
        "since 31 June 2020, since 2024-13-01, in 2099, since 999 decades ago",
        "agents/in 2401.12345 and since https://example.org/in 2024x",
        "built-in 2024",
        "a sunday",
        "",
    ],
)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert find_period(text, TODAY) is None


def test_the_first_time_counts() -> None:
    assert find_period("was there more in 2021 than in 2022?", TODAY) == Period(
        dt.date(2021, 1, 1), dt.date(2021, 12, 31), (15, 22)
    )


def test_a_month_that_has_not_begun_is_last_years() -> None:
    assert find_period("in March", dt.date(2026, 2, 28)) == Period(dt.date(2025, 3, 1), dt.date(2025, 3, 31), (0, 8))
    assert find_period("since last month", dt.date(2026, 1, 31)) == Period(dt.date(2025, 12, 1), None, (0, 16))
    assert find_period("past one month", dt.date(2026, 3, 31)) == Period(dt.date(2026, 2, 28), None, (0, 14))


_WORDS = (
    "since before after from to between and in the last past this 3 2023 2024-05 may March days months ago week year",
    "Q1 of on 5th 29 February yesterday early 31 until than newer , a couple decades 999 decade 2010s",
)
_words = st.sampled_from(" ".join(_WORDS).split())


@given(st.lists(_words, max_size=12).map(" ".join) | st.text(max_size=60), st.dates(dt.date(1999, 1, 1)))
def test_any_text_can_be_read_for_a_time(text: str, today: dt.date) -> None:
    period = find_period(text, today)
    if period:
        assert 0 <= period.span[0] < period.span[1] <= len(text)
        assert period.since or period.until
        assert not (period.since and period.until) or period.since <= period.until


@pytest.mark.parametrize("text", ["the " * 9_000, "since 1 " * 9_000, "in 2024 to " * 9_000, "since" + " " * 50_000])
def test_hostile_texts_take_no_time(text: str) -> None:
    find_period(text, TODAY)  # would take hours if a pattern backtracked; the test has a time limit
