from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.store import Posted
from tests.bot.store.kept import ANA, CHANNEL, NOW, SERVER
from tests.bot.store.test_subscriptions import HOUR, kept

if TYPE_CHECKING:
    from bot.store import Delivery, Store

MINUTE = timedelta(minutes=1)


async def claim(store: Store, *, worker: str = "me", after: timedelta = timedelta(), limit: int = 10) -> list[Delivery]:
    return await store.deliveries.claim(NOW + after, worker, NOW + after + MINUTE, limit)


async def prepare(store: Store, delivery: Delivery, *papers: str, after: timedelta = timedelta()) -> bool:
    at = NOW + after
    return await store.deliveries.prepare(delivery, "body", papers, until=at, tried_at=at, claimed_until=at + MINUTE)


async def record(store: Store, delivery: Delivery, *messages: int) -> bool:
    return await store.deliveries.record(
        delivery, messages, until=NOW, posted_at=NOW, next_due=lambda each: each.next_due_at + 24 * HOUR
    )


async def test_what_is_due_is_claimed_once_the_longest_due_first(store: Store) -> None:
    for name, due in (("late", NOW), ("early", NOW - HOUR), ("later", NOW + HOUR)):
        await store.subscriptions.add(kept(name, next_due_at=due))
    await store.subscriptions.add(kept("paused", paused=True, next_due_at=NOW))
    assert await store.deliveries.next_due() == NOW - HOUR
    (first,) = await claim(store, limit=1)
    assert (first.subscription.subscription_id, first.due_at) == ("early", NOW - HOUR)
    assert [each.subscription.subscription_id for each in await claim(store)] == ["late"]
    assert await claim(store) == []


async def test_workers_that_claim_at_once_get_different_ones(store: Store) -> None:
    for number in range(30):
        await store.subscriptions.add(kept(f"s{number}", next_due_at=NOW))
    claimed = await asyncio.gather(*(claim(store, worker=f"w{number}", limit=4) for number in range(12)))
    names = [each.subscription.subscription_id for part in claimed for each in part]
    assert len(names) == len(set(names))
    rest = await claim(store, limit=30)
    assert len(names) + len(rest) == 30


async def test_a_claim_that_ran_out_is_taken_up_with_what_was_prepared_and_its_first_worker_is_shut_out(
    store: Store,
) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    assert await prepare(store, mine, "arxiv:1")
    assert await claim(store, worker="you", after=MINUTE / 2) == []
    (yours,) = await claim(store, worker="you", after=2 * MINUTE)
    assert (yours.body, yours.tried_at, yours.until) == ("body", NOW, NOW)
    assert not await store.deliveries.renew(mine, NOW + HOUR)
    assert not await prepare(store, mine, "arxiv:2")
    assert not await store.deliveries.unprepare(mine)
    await store.deliveries.put_off(mine, NOW + HOUR)
    assert await store.deliveries.renew(yours, NOW + HOUR)


async def test_a_renewed_claim_is_not_taken_up(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    assert await store.deliveries.renew(mine, NOW + HOUR)
    assert await claim(store, worker="you", after=2 * MINUTE) == []


async def test_a_paper_is_put_down_for_a_place_once_and_all_of_a_digest_or_none(store: Store) -> None:
    for name in ("one", "two", "other"):
        await store.subscriptions.add(kept(name, place_id=CHANNEL + (name == "other"), next_due_at=NOW))
    one, two, other = sorted(await claim(store), key=lambda each: ["one", "two", "other"].index(_name(each)))
    assert await prepare(store, one, "arxiv:1", "doi:1")
    assert not await prepare(store, two, "arxiv:2", "doi:1")
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1", "arxiv:2", "doi:1"]) == {"arxiv:1", "doi:1"}
    assert await prepare(store, other, "arxiv:1")
    # A paper that was not posted after all may be claimed again.
    assert await store.deliveries.unprepare(one)
    assert await prepare(store, two, "arxiv:2", "doi:1")


async def test_a_recorded_delivery_moves_its_subscription_on_once(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    await prepare(store, mine, "arxiv:1")
    assert await store.deliveries.messages("one", NOW) is None
    assert await record(store, mine, 7, 8)
    assert not await record(store, mine, 9)
    assert await store.deliveries.messages("one", NOW) == [7, 8]
    assert await store.subscriptions.get("one") == kept(next_due_at=NOW + 24 * HOUR, delivered_until=NOW, greeted=True)
    assert await claim(store, after=HOUR) == []


async def test_an_empty_digest_is_recorded_without_a_greeting(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    assert await record(store, mine)
    one = await store.subscriptions.get("one")
    assert one is not None
    assert not one.greeted
    assert await store.deliveries.messages("one", NOW) == []


async def test_a_delivery_put_off_comes_back_at_its_moment_and_counts_its_attempts(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    await store.deliveries.put_off(mine, NOW + HOUR)
    assert await store.deliveries.next_due() == NOW + HOUR
    assert await claim(store, after=HOUR - MINUTE) == []
    (again,) = await claim(store, after=HOUR)
    assert again == replace(mine, attempts=1)


async def test_what_is_given_up_frees_its_papers_and_pauses_until_it_is_looked_at_again(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    await prepare(store, mine, "arxiv:1")
    gone, look = "The channel is gone.", NOW + 24 * HOUR
    await store.deliveries.hold_back(mine, gone, look_at=look, maybe_posted=False)
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1"]) == set()
    assert await store.subscriptions.get("one") == kept(paused=True, reason=gone, look_at=look, next_due_at=NOW)
    assert await store.deliveries.next_due() == look
    assert not await record(store, mine, 1)
    assert await claim(store, after=23 * HOUR) == []
    await store.subscriptions.look_again(["one"], NOW + HOUR)
    (again,) = await claim(store, after=HOUR)
    assert await record(store, again, 1)
    one = await store.subscriptions.get("one")
    assert one is not None
    assert not one.paused


async def test_what_stands_of_a_digest_is_kept_when_the_rest_is_given_up(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    (mine,) = await claim(store)
    await prepare(store, mine, "arxiv:1")
    posted = Posted((2**60,), (1,), 2**60)
    assert await store.deliveries.note(mine, posted, NOW + MINUTE)
    await store.deliveries.hold_back(mine, "Too much.", look_at=NOW + HOUR, maybe_posted=False)
    assert not await store.deliveries.note(mine, posted, NOW + MINUTE)
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1"]) == {"arxiv:1"}
    assert await store.deliveries.next_due() == NOW + HOUR
    (again,) = await claim(store, after=HOUR)
    assert (again.body, again.posted) == ("body", posted)


async def test_what_places_were_shown_goes_with_the_server_and_with_the_person(store: Store) -> None:
    await store.subscriptions.add(kept(next_due_at=NOW))
    await store.subscriptions.add(kept("dm", kind="dm", place_id=ANA, guild_id=None, next_due_at=NOW))
    for each in await claim(store):
        assert await prepare(store, each, "arxiv:1")
    assert (await store.export(ANA))["shown_in_dms"] == [{"paper_id": "arxiv:1", "due_at": NOW.isoformat()}]
    await store.forget_person(ANA)
    assert await store.deliveries.shown(ANA, ["arxiv:1"]) == set()
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1"]) == {"arxiv:1"}
    await store.forget_server(SERVER)
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1"]) == set()


def _name(delivery: Delivery) -> str:
    return delivery.subscription.subscription_id
