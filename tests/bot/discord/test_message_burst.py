"""Direct messages in quick succession are one question; a change to any of them changes its answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.bot.discord.prepared import TITLE, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Message, Person

pytestmark = pytest.mark.usefixtures("bot")


@pytest.fixture
def burst_pause() -> timedelta:
    return timedelta(seconds=0.4)


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


async def test_what_is_written_in_quick_succession_is_answered_once_as_one_question(
    local: LocalDiscord, ada: Person, bob: Person, answers: PreparedAnswers
) -> None:
    first = await ada.dms("hi")
    await ada.dms("does likelihood matter")
    await bob.dms("does it scale?")
    await ada.says(ada.dm, "", files={"notes.txt": b"for one-step models?"})
    answer = await answer_in(ada.dm)
    await answer_in(bob.dm)
    await local.stays_silent(0.6)
    assert sorted(answers.asked) == ["does it scale?", "hi does likelihood matter"]
    assert ["for one-step models?"] in answers.histories
    assert answer.reply_to is first
    assert len(ada.dm.bot_messages) == 1


async def test_while_more_may_come_the_bot_is_seen_to_listen(
    local: LocalDiscord, ada: Person, answers: PreparedAnswers
) -> None:
    await ada.dms("does likelihood matter?")
    await local.journal.until(lambda: ada.dm.typing_shown, "typing")
    assert not answers.asked
    await answer_in(ada.dm)


async def test_what_comes_later_is_a_question_of_its_own(ada: Person, answers: PreparedAnswers) -> None:
    await ada.dms("does likelihood matter?")
    await answer_in(ada.dm)
    await ada.dms("does it scale?")
    await answer_in(ada.dm)
    assert answers.asked == ["does likelihood matter?", "does it scale?"]


async def test_messages_that_discord_repeats_are_no_parts(
    local: LocalDiscord, ada: Person, answers: PreparedAnswers
) -> None:
    earlier = await ada.dms("does likelihood matter?")
    await answer_in(ada.dm)
    first = await ada.dms("does it")
    second = await ada.dms("scale?")
    for said in (earlier, first, second):
        await local.replay(said)
    await answer_in(ada.dm)
    await local.replay(second)
    await local.stays_silent(0.6)
    assert answers.asked == ["does likelihood matter?", "does it scale?"]


async def test_a_part_that_is_edited_or_deleted_in_time_counts_as_it_is(
    local: LocalDiscord, ada: Person, answers: PreparedAnswers
) -> None:
    first = await ada.dms("does it matter")
    slip = await ada.dms("oops")
    last = await ada.dms("for imags?")
    await ada.deletes(slip)
    await ada.edits(last, "for images?")
    assert (await answer_in(ada.dm)).reply_to is first
    await local.stays_silent(0.6)
    assert answers.asked == ["does it matter for images?"]


async def test_an_edit_of_a_part_answers_the_whole_anew_in_place(
    local: LocalDiscord, ada: Person, answers: PreparedAnswers, store: Store
) -> None:
    await ada.dms("does it matter")
    last = await ada.dms("for images?")
    answer = await answer_in(ada.dm)
    await kept_as(store, answer)
    await ada.edits(last, "for robots?")
    await answers.were_asked(2)
    await local.journal.until(lambda: TITLE in answer.text and done(answer), "the new answer")
    assert answers.asked == ["does it matter for images?", "does it matter for robots?"]
    assert ada.dm.bot_messages == [answer]


@pytest.mark.parametrize("which", [0, 1])
async def test_the_answer_goes_with_any_part(local: LocalDiscord, ada: Person, store: Store, which: int) -> None:
    parts = [await ada.dms("does it matter"), await ada.dms("for images?")]
    answer = await answer_in(ada.dm)
    await kept_as(store, answer)
    await ada.deletes(parts[which])
    await local.journal.until(lambda: answer.deleted, "the answer to be withdrawn")


async def test_where_every_part_is_deleted_in_time_nothing_is_said(
    local: LocalDiscord, ada: Person, answers: PreparedAnswers
) -> None:
    for said in [await ada.dms("does it matter"), await ada.dms("for images?")]:
        await ada.deletes(said)
    await asyncio.sleep(0.4)
    await local.stays_silent(0.5)
    assert answers.asked == []
