from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.store_tables import drafts

if TYPE_CHECKING:
    import pytest

    from bot.store import Store
    from tests.bot.store.conftest import Place

KEY = "a" * 64


async def _age(store: Store, by: timedelta) -> None:
    async with store._database.writing() as connection:
        await connection.execute(sa.update(drafts).values(kept_at=datetime.now(UTC) - by))


async def test_a_draft_is_kept_for_a_day_across_restarts(place: Place) -> None:
    store = await place.open()
    assert await store.drafts.get(KEY) is None
    await store.drafts.keep(KEY, "first")
    await store.drafts.keep(KEY, "second “and” 🧊")
    await store.close()
    store = await place.open()
    assert await store.drafts.get(KEY) == "second “and” 🧊"
    await _age(store, timedelta(hours=23))
    assert await store.drafts.get(KEY) is not None
    await _age(store, timedelta(hours=25))
    assert await store.drafts.get(KEY) is None
    await store.drafts.keep(KEY, "third")
    assert await store.drafts.get(KEY) == "third"
    await store.close()


async def test_yesterdays_drafts_are_deleted_with_what_is_due(store: Store) -> None:
    await store.drafts.keep(KEY, "text")
    assert await store.forget_due(datetime.now(UTC)) == 0
    assert await store.forget_due(datetime.now(UTC) + timedelta(days=1)) == 1
    assert await store.forget_due(datetime.now(UTC) + timedelta(days=1)) == 0


async def test_a_store_that_is_away_costs_a_call_and_no_answer(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async with store._database.writing() as connection:
        await connection.execute(sa.text("DROP TABLE drafts"))
    await store.drafts.keep(KEY, "text")
    assert await store.drafts.get(KEY) is None
    assert "could not be kept" in caplog.text
