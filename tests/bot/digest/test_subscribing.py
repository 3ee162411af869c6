from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


from dataclasses import replace
from datetime import timedelta

import pytest

from bot.digest.subscription_editor import HEAD_START, changed
from retrieval.errors import BadInputError
from tests.bot.digest.parts import DAY, NOW, subscription


def test_a_new_subscription_is_due_at_the_next_hour_and_looks_back_a_day() -> None:
    one = subscription(now=NOW - timedelta(minutes=1))
    assert one.next_due_at == NOW
    assert one.delivered_until == NOW - timedelta(minutes=1) - HEAD_START
    assert subscription(now=NOW).next_due_at == NOW + DAY
    assert subscription(now=NOW, weekdays=(4, 4, 2)).weekdays == (2, 4)


def test_topics_are_tidied_and_none_is_kept_twice() -> None:
    assert subscription(topics=["  walking\n robots", "Walking Robots", "rain", ""]).topics == (
        "Walking Robots",
        "rain",
    )


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"topics": []}, "at least one topic"),
        ({"topics": [" "]}, "at least one topic"),
        ({"topics": list("abcdef")}, "at most 5 topics"),
        ({"topics": ["a" * 101]}, "too long"),
        ({"hour": 24}, "0 to 23"),
        ({"hour": -1}, "0 to 23"),
        ({"weekdays": ()}, "at least one day"),
        ({"weekdays": (7,)}, "at least one day"),
        ({"most": 0}, "1 to 15"),
        ({"most": 16}, "1 to 15"),
        ({"zone": "Nowhere/Town"}, "no time zone"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        subscription(**chosen)
    with pytest.raises(BadInputError, match=said):
        changed(subscription(), NOW, **chosen)


def test_a_change_of_topics_leaves_the_clock_alone_and_a_change_of_the_hour_does_not() -> None:
    one = subscription()
    before = NOW - timedelta(hours=1)
    assert changed(one, before, topics=["rain"]).next_due_at == NOW
    assert changed(one, before, hour=9).next_due_at == NOW + timedelta(hours=1)
    assert changed(one, before, hour=6).next_due_at == NOW + timedelta(hours=22)


def test_a_digest_that_is_due_already_is_not_lost_to_an_edit() -> None:
    one = subscription()
    late = NOW + timedelta(seconds=3)
    assert changed(one, late, hour=20).next_due_at == NOW
    assert changed(replace(one, next_due_at=late), late, topics=["rain"]).next_due_at == late
