from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.store import Trend
from tests.bot.store.kept import ANA, BEN, NOW, SERVER, kept

if TYPE_CHECKING:
    from bot.store import Store

ONE, TWO, THREE = "arxiv:1", "arxiv:2", "arxiv:3"


async def test_a_rating_takes_the_place_of_the_persons_last_and_can_be_taken_back(store: Store) -> None:
    one = kept("one", ONE, TWO)
    await store.answers.keep(one)
    assert await store.feedback.rate(one.answer_id, ANA, 1)
    assert await store.feedback.liked(SERVER) == {ONE: 0.5, TWO: 0.5}
    assert await store.feedback.rate(one.answer_id, ANA, -1, "It is \0 wrong: 🧊")
    assert await store.feedback.liked(SERVER) == {ONE: -0.5, TWO: -0.5}
    (rating,) = (await store.export(ANA))["ratings"]
    assert rating["reason"] == "It is  wrong: 🧊"
    assert await store.feedback.rate(one.answer_id, ANA, 0)
    assert await store.feedback.liked(SERVER) == {}


async def test_an_answer_that_is_gone_cannot_be_rated(store: Store) -> None:
    assert not await store.feedback.rate("gone", ANA, 1)
    assert (await store.export(ANA))["ratings"] == []


async def test_a_star_is_given_and_taken_back(store: Store) -> None:
    assert not await store.feedback.starred(ONE, ANA)
    assert await store.feedback.star(ONE, ANA, SERVER)
    assert await store.feedback.starred(ONE, ANA)
    assert not await store.feedback.starred(ONE, BEN)
    assert not await store.feedback.star(ONE, ANA, None)  # from a DM
    assert not await store.feedback.starred(ONE, ANA)


async def test_clicks_at_once_are_all_counted(store: Store) -> None:
    clicks = await asyncio.gather(*(store.feedback.star(ONE, ANA, SERVER) for _ in range(21)))
    assert sum(clicks) == 11
    assert await store.feedback.starred(ONE, ANA)


async def test_stars_weigh_more_than_ratings_and_other_servers_nothing(store: Store) -> None:
    one, elsewhere = kept("one", ONE, TWO), kept("elsewhere", THREE, guild=SERVER + 1)
    await store.answers.keep(one)
    await store.answers.keep(elsewhere)
    await store.feedback.rate(one.answer_id, ANA, 1)
    await store.feedback.rate(one.answer_id, BEN, 1)
    await store.feedback.rate(elsewhere.answer_id, BEN, 1)
    await store.feedback.star(ONE, ANA, SERVER)
    await store.feedback.star(ONE, BEN, SERVER + 1)
    assert await store.feedback.liked(SERVER) == {ONE: 2.0, TWO: 1.0}
    assert await store.feedback.liked(SERVER + 1) == {ONE: 1.0, THREE: 0.5}


async def test_trends_count_what_was_asked_and_liked_most_first(store: Store) -> None:
    await store.answers.keep(kept("a", ONE, TWO))
    await store.answers.keep(kept("b", ONE, minutes=1))
    await store.answers.keep(kept("c", THREE, minutes=2))
    await store.answers.keep(kept("elsewhere", THREE, guild=SERVER + 1))
    await store.feedback.rate(kept("c").answer_id, ANA, 1)
    await store.feedback.rate(kept("a").answer_id, ANA, -1)
    await store.feedback.star(THREE, BEN, SERVER)
    every = [Trend(THREE, 1, 2), Trend(ONE, 2, 0), Trend(TWO, 1, 0)]
    assert await store.feedback.trending(SERVER, NOW) == every
    assert await store.feedback.trending(SERVER, NOW, limit=2) == every[:2]
    assert await store.feedback.trending(SERVER, datetime.now(UTC) + timedelta(days=1)) == []


async def test_private_answers_make_no_trend(store: Store) -> None:
    secret = kept("secret", ONE, private=True)
    await store.answers.keep(secret)
    await store.feedback.rate(secret.answer_id, ANA, 1)
    assert await store.feedback.trending(SERVER, NOW) == []


async def test_a_private_star_counts_for_the_taste_of_a_server_and_makes_no_trend(store: Store) -> None:
    await store.feedback.star(ONE, ANA, SERVER, private=True)
    assert await store.feedback.liked(SERVER) == {ONE: 1.0}
    assert await store.feedback.trending(SERVER, NOW) == []


async def test_what_was_asked_before_counts_no_more_and_a_like_since_does(store: Store) -> None:
    await store.answers.keep(kept("old", ONE))
    await store.answers.keep(kept("new", TWO, minutes=10))
    await store.feedback.rate(kept("old").answer_id, ANA, 1)
    since = NOW + timedelta(minutes=5)
    assert await store.feedback.trending(SERVER, since) == [Trend(ONE, 0, 1), Trend(TWO, 1, 0)]
