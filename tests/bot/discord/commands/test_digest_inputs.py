"""How /digest reads what people type, and what it offers while they type."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.digests.digest_inputs import (
    name_days,
    offer_days,
    offer_only,
    offer_zones,
    read_days,
    read_only,
    read_topics,
)
from bot.language import LANGUAGES, in_language
from retrieval.errors import BadInputError

WEEK = tuple(range(7))


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("mon", (0,)),
        ("Mon, Wed", (0, 2)),
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("mo – fr; sonntag", (0, 1, 2, 3, 4, 6)),
        ("Sat-Mon", (0, 5, 6)),
        ("lundi jeudi", (0, 3)),
        ("Fr.", (4,)),
        ("0246", (0, 2, 4, 6)),
    ],
)
def test_days_are_read_in_every_language(typed: str, days: tuple[int, ...]) -> None:
    assert read_days(typed) == days


@pytest.mark.parametrize("typed", ["", "t", "s", "everyday", "7", "-", "mon wednesdayish"])
def test_what_is_no_day_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(BadInputError):
        read_days(typed)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_and_choices_fit(typed: str) -> None:
    for read in (read_days, lambda text: read_only(text, ["seeds"])):
        with suppress(BadInputError):
            assert read(typed)
    for choice in [*offer_days(typed), *offer_only(typed, ["seeds"])]:
        assert 1 <= len(choice.name) <= 100
        assert 1 <= len(choice.value) <= 100
    assert all(topic == topic.strip() != "" for topic in read_topics(typed))


@given(st.lists(st.sampled_from(WEEK), min_size=1, unique=True).map(sorted), st.sampled_from(sorted(LANGUAGES)))
def test_a_choice_of_days_means_what_it_says(days: list[int], language: str) -> None:
    with in_language(language):
        (choice, *_) = offer_days("".join(map(str, days)))
        assert choice.name == name_days(days)
    assert read_days(choice.value) == tuple(days)


async def test_zones_are_offered_by_city_with_the_own_one_first() -> None:
    first, *_ = await offer_zones("", "Asia/Kathmandu")
    assert first.value == "Asia/Kathmandu"
    assert "Asia/Kathmandu (" in first.name
    (first, *_) = await offer_zones("new yo", "UTC")
    assert first.value == "America/New_York"
    (first, *_) = await offer_zones("oslo", "UTC")
    assert first.value == "Europe/Oslo"
    assert await offer_zones("atlantis", "UTC") == []
    assert len(await offer_zones("a", "UTC")) == 25


def test_sources_and_categories_are_told_apart() -> None:
    assert read_only("HuggingFace, cs.RO quant-ph", []) == (("huggingface",), ("cs.RO", "quant-ph"))
    assert [choice.value for choice in offer_only("cs.CL, hug", [])] == ["cs.CL, huggingface"]
