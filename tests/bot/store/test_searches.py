from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bot.store import Search
from bot.store.store import RETENTION

if TYPE_CHECKING:
    from tests.bot.store.conftest import Place

FOG = Search("fog \0 nets \ud800", date(2026, 3, 14), "arxiv", "newest")


async def test_a_search_is_kept_once_and_found_by_its_key_also_after_a_restart(place: Place) -> None:
    store = await place.open()
    key = await store.searches.keep(FOG)
    assert await store.searches.keep(FOG) == key
    other = await store.searches.keep(Search(FOG.query))
    await store.close()
    store = await place.open()
    assert await store.searches.get(key) == FOG
    assert await store.searches.get(other) == Search(FOG.query)
    assert await store.searches.get("unknown") is None
    assert await store.forget_due(datetime.now(UTC) + RETENTION + timedelta(minutes=1)) == 2
    assert await store.searches.get(key) is None
    await store.close()


async def test_a_search_whose_pages_are_turned_is_not_forgotten(place: Place) -> None:
    store = await place.open()
    key = await store.searches.keep(FOG)
    between = datetime.now(UTC)
    await store.searches.keep(FOG)
    assert await store.forget_due(between + RETENTION) == 0
    assert await store.searches.get(key) == FOG
    await store.close()
