from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from bot.store import Store
from bot.store.store import FILE, MIGRATIONS
from bot.store.store_tables import subscriptions
from storage.columns import Moment
from storage.database import Database
from tests.bot.store.kept import ANA, NOW, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.store.conftest import Place


PAPER = "arxiv:1"


@pytest.fixture
def tables() -> bool:
    return False


async def make_old(place: Place, revision: str) -> None:
    """Make a store with a star in it, as left by the version whose last migration has this number."""
    until = place.data_dir / "until" / revision
    (until / "versions").mkdir(parents=True)
    for script in (MIGRATIONS.folder / "versions").glob("r*.py"):
        if script.name[1:5] <= revision:
            shutil.copy(script, until / "versions")
    old = replace(MIGRATIONS, folder=until)
    database = await Database.open(place.url or place.data_dir / FILE, old, name="The memory")
    async with database.writing() as connection:
        star = sa.text("INSERT INTO stars (user_id, paper_id, guild_id, starred_at) VALUES (:who, :what, :where, :at)")
        await connection.execute(
            star.bindparams(sa.bindparam("at", type_=Moment)), {"who": ANA, "what": PAPER, "where": SERVER, "at": NOW}
        )
    await database.close()


def backups(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.backup")]


async def test_a_store_from_before_keeps_what_it_holds_and_is_backed_up(place: Place) -> None:
    await make_old(place, "0002")
    assert backups(place.data_dir) == []
    store = await Store.open(place.data_dir, place.url)
    assert await store.feedback.starred(PAPER, ANA)
    assert await store.feedback.liked(SERVER) == {PAPER: 1.0}
    # It was not recorded whether the starred answer was private, so the star is no longer shown to others.
    assert await store.feedback.trending(SERVER, NOW) == []
    assert backups(place.data_dir) == ([] if place.url else [f"{FILE}.{MIGRATIONS.version_table}-0002.backup"])
    await store.close()


async def test_what_was_paused_for_a_reason_before_is_looked_at_again_and_a_person_s_pause_stays(place: Place) -> None:
    await make_old(place, "0004")
    database = Database(place.url or place.data_dir / FILE)
    async with database.writing() as connection:
        for name, reason in (("mine", None), ("theirs", "The channel is gone.")):
            row = {
                "subscription_id": name,
                "kind": "channel",
                "zone": "UTC",
                **dict.fromkeys(("place_id", "guild_id", "owner_id"), SERVER),
                **{key: ["1"] for key in ("topics", "sources", "categories")},
                "weekdays": [1],
                **dict.fromkeys(("hour", "most"), 8),
                **dict.fromkeys(("silent", "roundup", "greeted", "untold"), False),
                **dict.fromkeys(("next_due_at", "delivered_until", "created_at"), NOW),
                "paused": True,
                "reason": reason,
            }
            old = sa.table("subscriptions", *(sa.column(key, subscriptions.c[key].type) for key in row))
            await connection.execute(sa.insert(old).values(row))
    await database.close()
    store = await Store.open(place.data_dir, place.url)
    kept = {each.subscription_id: each for each in await store.subscriptions.of_server(SERVER)}
    assert kept["mine"].look_at is None
    assert kept["theirs"].look_at == NOW
    assert await store.deliveries.next_due() == NOW
    await store.close()
