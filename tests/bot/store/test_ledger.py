from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bot.llm.meter import Begun, Payer, Spent
from bot.store import Spending
from tests.bot.store.kept import ANA, BEN, SERVER

if TYPE_CHECKING:
    from bot.store import Store
    from tests.bot.store.conftest import Place

TODAY = date(2026, 3, 14)
OTHER = SERVER + 1
ANAS = Payer(SERVER, ANA)
BENS = Payer(SERVER, BEN)


def answer(read: int, written: int, *, estimated: bool = False) -> Spent:
    return Spent("answer", "gpt", read, written, estimated=estimated)


async def test_calls_of_one_day_purpose_and_model_are_added_up_and_others_are_not(store: Store) -> None:
    for payer, spent in [
        (ANAS, answer(100, 10)),
        (BENS, answer(200, 20, estimated=True)),
        (ANAS, Spent("rewrite", "gpt", 7, 1)),
        (Payer(OTHER), Spent("digest", "other", 5, 5)),
    ]:
        await store.usage.add(TODAY, payer, spent)
    await store.usage.add(TODAY + timedelta(days=1), Payer(), answer(1, 1))
    assert await store.usage.since(TODAY) == [
        Spending(TODAY, "answer", "gpt", 2, 1, 300, 30),
        Spending(TODAY, "digest", "other", 1, 0, 5, 5),
        Spending(TODAY, "rewrite", "gpt", 1, 0, 7, 1),
        Spending(TODAY + timedelta(days=1), "answer", "gpt", 1, 0, 1, 1),
    ]
    assert [each.tokens for each in await store.usage.since(TODAY, OTHER)] == [10]
    assert [each.day.day for each in await store.usage.since(TODAY + timedelta(days=1))] == [15]
    assert await store.usage.totals(TODAY, ANAS) == (348, 338, 118)
    assert await store.usage.totals(TODAY, Payer()) == (348, 0, 0)
    assert await store.usage.totals(TODAY - timedelta(days=1), ANAS) == (0, 0, 0)


async def test_what_was_taken_is_there_after_a_restart_and_in_a_second_process(place: Place) -> None:
    first, second = await place.open(), await place.open()
    await asyncio.gather(*(store.usage.add(TODAY, ANAS, answer(3, 1)) for store in (first, second) for _ in range(25)))
    await first.close()
    assert await second.usage.totals(TODAY, ANAS) == (200, 200, 200)
    await second.close()
    again = await place.open()
    assert await again.usage.since(TODAY) == [Spending(TODAY, "answer", "gpt", 50, 0, 150, 50)]
    await again.close()


async def test_a_call_that_was_settled_stands_for_what_it_took_and_another_for_what_was_expected(store: Store) -> None:
    expected = answer(90, 0, estimated=True)
    for _ in range(2):
        await store.usage.add(TODAY, ANAS, expected)
    await store.usage.settle(Begun(TODAY, ANAS, expected), answer(100, 40))
    assert await store.usage.since(TODAY) == [Spending(TODAY, "answer", "gpt", 2, 1, 190, 40)]


async def test_a_call_is_settled_where_its_person_or_server_was_forgotten_meanwhile(store: Store) -> None:
    expected = answer(90, 0, estimated=True)
    for _ in range(4):
        await store.usage.add(TODAY, ANAS, expected)
    begun = Begun(TODAY, ANAS, expected)
    await store.usage.settle(begun, answer(100, 40))
    await store.forget_person(ANA)
    await store.usage.settle(begun, answer(100, 40))
    await store.forget_server(SERVER)
    await store.usage.settle(begun, answer(100, 40))
    assert await store.usage.since(TODAY) == [Spending(TODAY, "answer", "gpt", 4, 1, 390, 120)]
    assert (await store.export(ANA))["language_model"] == []
    assert await store.usage.since(TODAY, SERVER) == []


async def test_who_is_forgotten_is_named_nowhere_but_keeps_no_fresh_budget(store: Store) -> None:
    await store.usage.add(TODAY, ANAS, answer(100, 10))
    await store.usage.add(TODAY, BENS, answer(50, 5))
    assert (await store.export(ANA))["language_model"] == [
        {
            "day": "2026-03-14",
            "guild_id": str(SERVER),
            "purpose": "answer",
            "model": "gpt",
            "calls": 1,
            "prompt_tokens": 100,
            "completion_tokens": 10,
        }
    ]
    assert await store.forget_person(ANA) == 1
    assert (await store.export(ANA))["language_model"] == []
    assert await store.usage.totals(TODAY, ANAS) == (165, 165, 110)
    await store.usage.add(TODAY, ANAS, answer(1, 1))
    await store.forget_person(ANA)
    assert await store.usage.totals(TODAY, ANAS) == (167, 167, 112)
    assert await store.usage.totals(TODAY + timedelta(days=1), ANAS) == (0, 0, 0)
    assert await store.usage.totals(TODAY, BENS) == (167, 167, 55)


async def test_people_are_forgotten_with_the_day_and_servers_with_the_conversations(store: Store) -> None:
    now = datetime(2026, 3, 14, 23, 59, tzinfo=UTC)
    yesterday, old = TODAY - timedelta(days=1), TODAY - timedelta(days=91)
    for day in (TODAY, yesterday, old):
        await store.usage.add(day, ANAS, answer(100, 10))
    before = await store.usage.since(old)
    await store.forget_due(now)
    assert [each["day"] for each in (await store.export(ANA))["language_model"]] == ["2026-03-14"]
    assert [each.day for each in await store.usage.since(old, SERVER)] == [yesterday, TODAY]
    assert await store.usage.since(old) == before


async def test_a_server_that_only_took_tokens_is_forgotten_too_once_it_is_left(store: Store) -> None:
    now = datetime(2026, 3, 14, tzinfo=UTC)
    await store.usage.add(TODAY, ANAS, answer(100, 10))
    await store.usage.add(TODAY, Payer(), answer(1, 1))
    await store.note_servers([], now)
    await store.forget_due(now + timedelta(days=31))
    assert await store.usage.since(TODAY, SERVER) == []
    assert await store.usage.since(TODAY) == [Spending(TODAY, "answer", "gpt", 2, 0, 101, 11)]
