from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from discord.utils import time_snowflake

import storage.database
from bot.llm.meter import Payer, Spent
from bot.store import ServerSettings, Store
from bot.store.store_tables import metadata
from tests.bot.store.kept import ANA, BEN, CHANNEL, NOW, SERVER, kept

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.bot.store.conftest import Place

OTHER = SERVER + 1


async def _fill(store: Store) -> None:
    """Let Ana and Ben ask, rate, star and open threads in two servers."""
    for person, name in ((ANA, "ana"), (BEN, "ben")):
        for guild in (SERVER, OTHER):
            one = kept(f"{name}{guild - SERVER}", asker=person, guild=guild, question=person + guild)
            await store.answers.keep(one)
            await store.answers.mark_posted(one.answer_id, [person + guild + 1])
            for rater in (ANA, BEN):
                await store.feedback.rate(one.answer_id, rater, 1, "good")
            await store.feedback.star(f"arxiv:{guild}", person, guild)
            await store.threads.own(person + guild, guild, person)
            await store.usage.add(NOW.date(), Payer(guild, person), Spent("answer", "gpt", 100, 10))
    await store.answers.keep(kept("follow", asker=BEN, parent="ana0"))


async def _rows(store: Store, number: int) -> int:
    """Count the rows, in all tables, that have a number in any column."""
    count = 0
    async with store._database.reading() as connection:
        for table in metadata.sorted_tables:
            count += sum(number in row for row in await connection.execute(sa.select(table)))
    return count


async def test_a_person_is_forgotten_in_every_table_and_nobody_else_is(store: Store) -> None:
    await _fill(store)
    bens = await store.export(BEN)
    assert await _rows(store, ANA) == 2 + 4 + 2 + 2 + 2
    # Two conversations, four ratings, two stars, two threads, two token counts.
    assert await store.forget_person(ANA) == 2 + 4 + 2 + 2 + 2
    assert await _rows(store, ANA) == 0
    left = await store.export(BEN)
    assert len(bens["conversations"]) == len(left["conversations"]) == 3
    assert [bens[part] for part in ("stars", "threads")] == [left[part] for part in ("stars", "threads")]
    assert await store.threads.is_own(ANA + SERVER)
    assert await store.forget_person(ANA) == 0


async def test_an_export_holds_everything_that_names_the_person_and_is_json(store: Store) -> None:
    await _fill(store)
    found = json.loads(json.dumps(await store.export(ANA)))
    assert found["user_id"] == str(ANA)
    assert sum(len(part) for part in found.values() if isinstance(part, list)) == await _rows(store, ANA)
    first = found["conversations"][0]
    assert first["answer"]["question"] == "What about ana0?"
    assert first["answer"]["citations"][0]["quote"] == "freezes the weights"
    assert (first["channel_id"], first["messages"]) == (str(CHANNEL), [str(ANA + SERVER + 1)])
    assert {star["paper_id"] for star in found["stars"]} == {f"arxiv:{SERVER}", f"arxiv:{OTHER}"}
    nobody = await store.export(5)
    assert not any(part for part in nobody.values() if isinstance(part, list))


async def test_a_server_is_forgotten_in_every_table_and_no_other_is(store: Store) -> None:
    await _fill(store)
    for guild in (SERVER, OTHER):
        await store.servers.save(guild, ServerSettings(prefix="?"))
    others = await _rows(store, OTHER)
    assert await store.forget_server(SERVER) == 3 + 2 + 2 + 2 + 1
    assert await _rows(store, SERVER) == 0
    assert await _rows(store, OTHER) == others
    assert await store.servers.of(SERVER) == ServerSettings()
    assert await store.servers.of(OTHER) == ServerSettings(prefix="?")
    assert not await store.threads.is_own(ANA + SERVER)
    assert await store.threads.is_own(ANA + OTHER)


async def test_conversations_are_forgotten_after_their_time_and_stars_stay(store: Store) -> None:
    old, new = kept("old"), kept("new", parent="old", minutes=60)
    await store.answers.keep(old)
    await store.answers.keep(new)
    await store.feedback.star("arxiv:1", ANA, SERVER)
    assert await store.forget_due(NOW + timedelta(days=90)) == 0
    assert await store.forget_due(NOW + timedelta(days=90, minutes=1)) == 1
    assert await store.answers.get(old.answer_id) is None
    assert [one.answer_id for one in await store.answers.history(new.answer_id)] == [new.answer_id]
    assert await store.feedback.starred("arxiv:1", ANA)
    store.retention = timedelta(days=1)
    assert await store.forget_due(NOW + timedelta(days=2)) == 1


async def test_what_a_server_liked_outlives_the_answers_without_who_liked_it(store: Store) -> None:
    await _fill(store)
    before = await store.feedback.liked(SERVER)
    assert await store.forget_due(NOW + timedelta(days=91)) == 5
    assert await store.feedback.liked(SERVER) == before
    await store.answers.keep(kept("again", asker=BEN, minutes=1))
    await store.feedback.rate(kept("again").answer_id, ANA, -1)
    await store.forget_due(NOW + timedelta(days=91))
    assert await store.feedback.liked(SERVER) == before | {"arxiv:2106.09685": before["arxiv:2106.09685"] - 0.5}
    assert (await store.export(ANA))["ratings"] == []
    await store.forget_server(SERVER)
    assert await store.feedback.liked(SERVER) == {}
    assert await store.feedback.liked(OTHER) == {f"arxiv:{OTHER}": 2.0, "arxiv:2106.09685": 2.0}


async def test_what_others_liked_outlives_the_person_who_asked_for_it_and_what_that_person_liked_does_not(
    store: Store,
) -> None:
    one = kept("one", "arxiv:1")
    await store.answers.keep(one)
    await store.feedback.rate(one.answer_id, ANA, 1)
    await store.feedback.rate(one.answer_id, BEN, 1)
    await store.forget_person(ANA)
    assert await store.answers.get(one.answer_id) is None
    assert await store.feedback.liked(SERVER) == {"arxiv:1": 0.5}


async def test_threads_are_forgotten_when_nothing_was_asked_in_them_for_as_long_as_conversations_are_kept(
    place: Place,
) -> None:
    store = await place.open()
    old, used, new = (time_snowflake(NOW - timedelta(days=days)) for days in (92, 91, 89))
    for thread in (old, used, new):
        await store.threads.own(thread, SERVER, ANA)
    await store.answers.keep(kept("used", channel=used, minutes=-60))
    assert await store.forget_due(NOW) == 1
    assert [await store.threads.is_own(thread) for thread in (old, used, new)] == [False, True, True]
    await store.threads.forget(new)
    await store.threads.forget(new)
    await store.close()
    store = await place.open()
    assert [await store.threads.is_own(thread) for thread in (old, used, new)] == [False, True, False]
    await store.close()


async def test_the_words_of_a_person_forgotten_are_in_no_file_of_the_store(tmp_path: Path) -> None:
    def written() -> bool:
        return any(b"What about ana0?" in path.read_bytes() for path in tmp_path.iterdir())

    store = await Store.open(tmp_path)
    await _fill(store)
    assert written()
    await store.forget_person(ANA)
    assert not written()
    await store.close()
    assert not written()


async def test_the_words_of_a_person_forgotten_are_in_no_file_once_whatever_reads_them_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> bool:
        return any(b"What about ana0?" in path.read_bytes() for path in tmp_path.iterdir())

    monkeypatch.setattr(storage.database, "PURGE_ATTEMPTS", 5)
    store = await Store.open(tmp_path)
    await _fill(store)
    with closing(sqlite3.connect(tmp_path / "memory.db", isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        await store.forget_person(ANA)
        assert written()
        assert "in the log of memory.db yet" in caplog.text
        asyncio.get_running_loop().call_later(0.2, reader.rollback)
        await store.forget_due(NOW)
    assert not written()
    assert len(caplog.records) == 1
    await store.close()


async def test_an_answer_under_way_is_not_kept_of_a_person_forgotten(store: Store) -> None:
    now = datetime.now(UTC)
    before, after = (replace(kept(name), asked_at=now + timedelta(hours=at)) for name, at in (("old", -1), ("new", 1)))
    assert await store.answers.keep(before)
    await store.forget_person(ANA)
    assert not await store.answers.keep(before)
    assert await store.answers.keep(replace(before, asker_id=BEN, answer_id="bens"))
    assert await store.answers.keep(after)
    assert [each["answer_id"] for each in (await store.export(ANA))["conversations"]] == [after.answer_id]


async def test_backups_which_know_no_forgetting_go_after_thirty_days(place: Place) -> None:
    store = await place.open()
    old, new = (place.data_dir / f"memory.db.store_version-{name}.backup" for name in ("old", "new"))
    for path, days in ((old, 31), (new, 29)):
        path.touch()
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
    await store.forget_due(NOW)
    await store.close()
    # If the database is on a server, files in the folder do not belong to the store.
    assert new.exists()
    assert old.exists() is (place.url is not None)
