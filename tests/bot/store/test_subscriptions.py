from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

from bot.store import Delivery, Subscription
from tests.bot.store.kept import ANA, BEN, CHANNEL, NOW, SERVER

if TYPE_CHECKING:
    from datetime import datetime

    from bot.store import PlaceKind, Store

HOUR = timedelta(hours=1)


class Chosen(TypedDict, total=False):
    """What a test can choose about a subscription."""

    kind: PlaceKind
    place_id: int
    guild_id: int | None
    owner_id: int | None
    topics: tuple[str, ...]
    next_due_at: datetime
    delivered_until: datetime
    created_at: datetime
    greeted: bool
    paused: bool
    reason: str | None
    look_at: datetime | None


async def due_of(store: Store, subscription_id: str) -> datetime:
    one = await store.subscriptions.get(subscription_id)
    assert one is not None
    return one.next_due_at


def kept(subscription_id: str = "one", **chosen: Unpack[Chosen]) -> Subscription:
    one = Subscription(
        subscription_id=subscription_id,
        kind="channel",
        place_id=CHANNEL,
        guild_id=SERVER,
        owner_id=ANA,
        topics=("robots", "“rain” 🌧"),
        hour=8,
        zone="Europe/Berlin",
        next_due_at=NOW + HOUR,
        delivered_until=NOW - HOUR,
        created_at=NOW,
        sources=("arxiv",),
        categories=("cs.RO",),
        weekdays=(0, 4),
        most=7,
        silent=True,
        roundup=True,
        language="de",
    )
    return replace(one, **chosen)


async def hold_back(store: Store, name: str, reason: str) -> None:
    """Pause a subscription as the platform does when it refuses a digest."""
    delivery = Delivery(kept(name), NOW, "me")
    await store.deliveries.hold_back(delivery, reason, look_at=NOW + HOUR, maybe_posted=False)


async def test_a_subscription_comes_back_as_it_was_kept(store: Store) -> None:
    await store.subscriptions.add(kept())
    assert await store.subscriptions.get("one") == kept()
    assert await store.subscriptions.get("two") is None


async def test_subscriptions_are_found_by_place_server_and_owner_oldest_first(store: Store) -> None:
    mine = kept("mine", kind="dm", place_id=ANA, guild_id=None, created_at=NOW + HOUR)
    bens = kept("bens", owner_id=BEN)
    for each in (mine, bens, kept()):
        await store.subscriptions.add(each)
    assert await store.subscriptions.of_place(CHANNEL) == [bens, kept()]
    assert await store.subscriptions.of_server(SERVER) == [bens, kept()]
    assert await store.subscriptions.of_owner(ANA) == [kept(), mine]


async def test_a_change_moves_the_due_moment_only_where_it_has_not_moved_on(store: Store) -> None:
    await store.subscriptions.add(kept())
    moved = kept(topics=("snow",), next_due_at=NOW + 5 * HOUR)
    assert await store.subscriptions.change(moved, NOW)
    assert await store.subscriptions.get("one") == replace(moved, next_due_at=NOW + HOUR)
    assert await store.subscriptions.change(moved, NOW + HOUR)
    assert await store.subscriptions.get("one") == moved
    assert not await store.subscriptions.change(kept("gone"), NOW)


async def test_what_the_platform_paused_is_told_and_what_a_person_paused_is_not(store: Store) -> None:
    await store.subscriptions.add(kept())
    await store.subscriptions.add(kept("two"))
    await hold_back(store, "one", "The channel is gone.")
    assert await store.subscriptions.pause("two")
    assert not await store.subscriptions.pause("two")
    paused = kept(paused=True, reason="The channel is gone.", look_at=NOW + HOUR)
    assert await store.subscriptions.untold() == [paused]
    assert await store.subscriptions.held_back(SERVER) == [paused]
    await store.subscriptions.mark_told("one")
    await hold_back(store, "one", "The channel is gone.")
    assert await store.subscriptions.untold() == []
    await store.subscriptions.resume("one", NOW + 9 * HOUR)
    assert await store.subscriptions.get("one") == kept(next_due_at=NOW + 9 * HOUR)


async def test_only_what_is_neither_paused_nor_due_can_be_hurried(store: Store) -> None:
    await store.subscriptions.add(kept())
    await store.subscriptions.add(kept("two", paused=True))
    for name in ("one", "two"):
        await store.subscriptions.hurry(name, NOW)
    dues = [await due_of(store, name) for name in ("one", "two")]
    assert dues == [NOW, NOW + HOUR]
    await store.subscriptions.hurry("one", NOW + HOUR)
    assert await due_of(store, "one") == NOW


async def test_a_person_s_own_subscriptions_are_exported_and_go_and_shared_ones_stay_without_the_name(
    store: Store,
) -> None:
    await store.subscriptions.add(kept())
    await store.subscriptions.add(kept("dm", kind="dm", place_id=ANA, guild_id=None))
    exported = (await store.export(ANA))["subscriptions"]
    assert [(each["subscription_id"], each["topics"]) for each in exported] == [
        ("dm", list(kept().topics)),
        ("one", list(kept().topics)),
    ]
    assert await store.forget_person(ANA) == 2
    assert await store.subscriptions.get("dm") is None
    assert await store.subscriptions.get("one") == kept(owner_id=None)
    assert (await store.export(ANA))["subscriptions"] == []
    # There is no owner left to tell.
    await hold_back(store, "one", "The channel is gone.")
    assert await store.subscriptions.untold() == []


async def test_a_server_s_subscriptions_go_with_it(store: Store) -> None:
    await store.subscriptions.add(kept())
    await store.subscriptions.add(kept("elsewhere", guild_id=SERVER + 1))
    assert await store.forget_server(SERVER) == 1
    assert await store.subscriptions.get("one") is None
    assert await store.subscriptions.get("elsewhere") is not None
    assert await store.subscriptions.remove("elsewhere")
    assert not await store.subscriptions.remove("elsewhere")
