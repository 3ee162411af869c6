"""Old records are deleted, except those that keep a digest from being posted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.llm.meter import Payer, Spent
from bot.store import Store
from bot.store.store import BILLED
from tests.bot.store.kept import CHANNEL, NOW, kept
from tests.bot.store.test_deliveries import MINUTE, claim, prepare
from tests.bot.store.test_subscriptions import kept as subscription

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.bot.store.conftest import Place

DAY = timedelta(days=1)


async def post(store: Store, day: int, *papers: str) -> None:
    """Post the digest that is due on a day, on that day."""
    (delivery,) = await claim(store, after=day * DAY)
    assert await prepare(store, delivery, *papers, after=day * DAY)
    assert await store.deliveries.record(
        delivery,
        [day],
        until=NOW + day * DAY,
        posted_at=NOW + day * DAY,
        next_due=lambda each: each.next_due_at + DAY,
    )


async def test_digests_and_what_they_showed_go_with_their_time(store: Store) -> None:
    await store.subscriptions.add(subscription(next_due_at=NOW))
    for day in range(3):
        await post(store, day, f"arxiv:{day}")
    shown = {f"arxiv:{day}" for day in range(3)}
    assert await store.forget_due(NOW + store.retention) == 0
    assert await store.deliveries.shown(CHANNEL, shown) == shown
    assert await store.forget_due(NOW + store.retention + DAY + MINUTE) == 4
    assert await store.deliveries.shown(CHANNEL, shown) == {"arxiv:2"}
    assert await store.deliveries.messages("one", NOW) is None
    assert await store.deliveries.messages("one", NOW + 2 * DAY) == [2]
    kept_on = await store.subscriptions.get("one")
    assert kept_on is not None
    assert kept_on.next_due_at == NOW + 3 * DAY
    assert [each.due_at for each in await claim(store, after=4 * DAY)] == [NOW + 3 * DAY]


async def test_what_is_under_way_stays_however_long_ago_it_was_due(store: Store) -> None:
    await store.subscriptions.add(subscription(next_due_at=NOW))
    (delivery,) = await claim(store)
    late = 3 * store.retention
    assert await prepare(store, delivery, "arxiv:1", after=MINUTE / 2)
    assert await store.forget_due(NOW + late) == 0
    (again,) = await claim(store, after=late)
    assert (again.due_at, again.body) == (NOW, "body")
    assert await store.deliveries.record(
        again, [7], until=NOW, posted_at=NOW + late, next_due=lambda _: NOW + late + DAY
    )
    # It was posted late: the full time, until another digest may show that paper there, runs from that moment.
    assert await store.forget_due(NOW + late + store.retention) == 0
    await store.subscriptions.remove("one")
    assert await store.forget_due(NOW + late + store.retention) == 0
    assert await store.deliveries.shown(CHANNEL, ["arxiv:1"]) == {"arxiv:1"}
    assert await store.forget_due(NOW + store.retention + timedelta(days=366)) == 1


async def test_what_a_language_model_took_is_known_for_a_year_and_a_month(store: Store) -> None:
    await store.usage.add(NOW.date(), Payer(), Spent("answer", "gpt", 5, 7, estimated=False))
    await store.forget_due(NOW + BILLED)
    assert len(await store.usage.since(NOW.date())) == 1
    await store.forget_due(NOW + BILLED + DAY)
    assert await store.usage.since(NOW.date()) == []


async def test_a_file_that_is_half_empty_is_made_smaller(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.MIN_EMPTY_BYTES", 1 << 16)
    store = await place.open()
    for number in range(60):
        each = kept(f"{number}", minutes=number)
        await store.answers.keep(replace(each, answer=replace(each.answer, question="why? " * 2000)))
    await store.forget_due(NOW)
    file = place.data_dir / "memory.db"
    before = file.stat().st_size if file.exists() else 0
    assert await store.forget_due(NOW + store.retention + DAY * 2) == 60
    if place.url is None:
        assert file.stat().st_size < before / 2
    await store.answers.keep(kept("again"))
    assert await store.answers.get("again".ljust(16, "_")) is not None
    await store.close()


async def test_days_that_go_by_leave_a_file_that_no_longer_grows(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, retention=timedelta(days=5))
    await store.subscriptions.add(subscription(next_due_at=NOW))
    sizes = []
    for day in range(30):
        await post(store, day, *(f"arxiv:{day}.{number}" for number in range(5)))
        for number in range(3):
            await store.answers.keep(kept(f"{day}-{number}", minutes=day * 24 * 60))
        await store.usage.add((NOW + day * DAY).date(), Payer(), Spent("answer", "gpt", 5, 7, estimated=False))
        await store.forget_due(NOW + day * DAY)
        sizes.append((tmp_path / "memory.db").stat().st_size)
    assert sizes[0] < sizes[5]
    assert max(sizes[18:]) <= 1.1 * max(sizes[6:18])
    shown = await store.deliveries.shown(CHANNEL, [f"arxiv:{day}.0" for day in range(30)])
    assert len(shown) == 6
    await store.close()
