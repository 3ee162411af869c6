from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from bot.store.store_tables import answers
from tests.bot.store.kept import ANA, BEN, CHANNEL, NOW, SERVER, answer, kept

if TYPE_CHECKING:
    from bot.store import Store, StoredAnswer
    from tests.bot.store.conftest import Place


def _ids(found: list[StoredAnswer]) -> list[str]:
    return [one.answer_id.rstrip("_") for one in found]


async def test_an_answer_comes_back_whole_after_a_restart(place: Place) -> None:
    first = kept("first", question=7, minutes=1)
    second = kept("second", asker=BEN, guild=None, parent="first", private=True, minutes=2)
    store = await place.open()
    await store.answers.keep(first)
    await store.answers.keep(second)
    await store.close()
    store = await place.open()
    assert await store.answers.get(first.answer_id) == first
    assert await store.answers.get(second.answer_id) == second
    assert await store.answers.get("unknown") is None
    await store.close()


async def test_times_go_in_from_any_zone_and_come_out_in_utc(store: Store) -> None:
    in_india = datetime(2026, 3, 14, 14, 56, 53, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    await store.answers.keep(replace(kept("here"), asked_at=in_india))
    found = await store.answers.get(kept("here").answer_id)
    assert found is not None
    assert found.asked_at == NOW
    assert found.asked_at.tzinfo is UTC


async def test_papers_of_servers_are_those_that_all_could_see_the_last_cited_first(store: Store) -> None:
    await store.answers.keep(kept("old", "arxiv:0", minutes=-60))
    await store.answers.keep(kept("first", "arxiv:1", "arxiv:2", minutes=1))
    await store.answers.keep(kept("second", "arxiv:3", "arxiv:1", minutes=2))
    await store.answers.keep(kept("hidden", "arxiv:4", private=True, minutes=3))
    await store.answers.keep(kept("direct", "arxiv:5", guild=None, minutes=3))
    assert await store.answers.papers_of_servers(NOW, 10) == ["arxiv:1", "arxiv:3", "arxiv:2"]
    assert await store.answers.papers_of_servers(NOW, 2) == ["arxiv:1", "arxiv:3"]


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="time zone"):
        await store.answers.keep(replace(kept("here"), asked_at=NOW.replace(tzinfo=None)))


async def test_an_answer_done_anew_takes_the_place_of_the_one_before(store: Store) -> None:
    await store.answers.keep(kept("first", "arxiv:1", "arxiv:2"))
    anew = replace(kept("first"), answer=answer("What else?", "arxiv:2", "arxiv:3"))
    await store.answers.keep(anew)
    assert await store.answers.get(anew.answer_id) == anew
    assert {trend.paper_id for trend in await store.feedback.trending(SERVER, NOW)} == {"arxiv:2", "arxiv:3"}


async def test_history_follows_what_was_followed_up_oldest_first_and_no_further_than_asked(store: Store) -> None:
    await store.answers.keep(kept("a"))
    await store.answers.keep(kept("elsewhere", minutes=1))
    await store.answers.keep(kept("b", parent="a", minutes=2))
    await store.answers.keep(kept("b2", parent="a", minutes=3))
    await store.answers.keep(kept("c", parent="b", minutes=4))
    last = kept("c").answer_id
    assert _ids(await store.answers.history(last)) == ["a", "b", "c"]
    assert _ids(await store.answers.history(last, limit=2)) == ["b", "c"]
    assert await store.answers.history("unknown") == []


async def test_a_parent_that_is_gone_is_left_out(store: Store) -> None:
    orphan = kept("orphan", parent="never")
    await store.answers.keep(orphan)
    assert await store.answers.get(orphan.answer_id) == replace(orphan, parent_id=None)


async def test_a_channel_gives_its_latest_answers_oldest_first_without_the_private_ones(store: Store) -> None:
    for minute, name in enumerate("abcd"):
        await store.answers.keep(kept(name, minutes=minute, private=name == "c"))
    await store.answers.keep(kept("other", channel=CHANNEL + 1, minutes=9))
    assert _ids(await store.answers.latest_in(CHANNEL)) == ["a", "b", "d"]
    assert _ids(await store.answers.latest_in(CHANNEL, limit=2)) == ["b", "d"]
    assert await store.answers.latest_in(CHANNEL + 2) == []


async def test_an_answer_is_found_by_any_message_that_shows_it_and_by_the_question(store: Store) -> None:
    one = kept("one", question=5)
    await store.answers.keep(one)
    assert await store.answers.to_question(5) == (one, [])
    await store.answers.mark_posted(one.answer_id, [30, 20, 10])
    for message_id in (10, 20, 30):
        assert await store.answers.of_message(message_id) == one
    assert await store.answers.to_question(5) == (one, [30, 20, 10])
    assert await store.answers.of_message(5) is None
    assert await store.answers.to_question(10) is None


async def test_a_question_done_anew_takes_over_the_messages_of_the_answer_before(store: Store) -> None:
    before, after = kept("before", question=5), kept("after", question=5, minutes=1)
    await store.answers.keep(before)
    await store.answers.mark_posted(before.answer_id, [10, 11])
    await store.answers.keep(after)
    await store.answers.mark_posted(after.answer_id, [10])
    assert await store.answers.to_question(5) == (after, [10])
    assert await store.answers.of_message(10) == after
    assert await store.answers.of_message(11) == before
    await store.answers.mark_posted(after.answer_id, [])
    assert await store.answers.of_message(10) is None


async def test_a_withdrawn_answer_is_gone_with_its_messages_and_what_follows_it_up_stays(store: Store) -> None:
    first, second = kept("first", question=5), kept("second", parent="first")
    await store.answers.keep(first)
    await store.answers.mark_posted(first.answer_id, [10])
    await store.answers.keep(second)
    await store.answers.withdraw(first.answer_id)
    assert await store.answers.get(first.answer_id) is None
    assert await store.answers.of_message(10) is None
    assert await store.answers.to_question(5) is None
    assert await store.answers.history(second.answer_id) == [replace(second, parent_id=None)]
    await store.answers.mark_posted(first.answer_id, [12])  # the posting came after the withdrawal
    assert await store.answers.of_message(12) is None


async def test_an_answer_that_cannot_be_read_any_more_counts_as_gone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = kept("good"), kept("bad", question=5, parent="good", minutes=1)
    await store.answers.keep(good)
    await store.answers.keep(bad)
    async with store._database.writing() as connection:
        await connection.execute(sa.update(answers).where(answers.c.answer_id == bad.answer_id).values(body='{"x":1}'))
    assert await store.answers.get(bad.answer_id) is None
    assert await store.answers.to_question(5) is None
    assert _ids(await store.answers.history(bad.answer_id)) == ["good"]
    assert bad.answer_id in caplog.text
    assert len((await store.export(ANA))["conversations"]) == 2
