"""When calls fail, nobody is left without an answer or an apology, and nothing is posted twice."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from bot.answering.answer import Statement
from bot.discord.answers.responder import AT_ONCE
from tests.bot.discord.prepared import GOOD, STAGES, TITLE, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from bot.answering.answer import Answer
    from bot.answering.conversation import Exchange
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Message, Person

POST = "POST /channels/{}/messages"
EDIT = "PATCH /channels/{}/messages/{}"
CALLBACK = "POST /interactions/{}/{}/callback"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"
GROWN = replace(GOOD, statements=(Statement("A first sentence.", (1,)),))


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


@pytest.mark.usefixtures("bot")
class TestOnTheWayOut:
    async def test_a_rate_limit_on_an_edit_in_mid_stream_delays_and_the_latest_wins(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.growing = [GROWN]
        answers.released.clear()
        local.rate_limit_next(EDIT, retry_after=0.3)
        await ada.says(papers, f"{mention} does likelihood matter?")
        message = await papers.wait_for_bot_message()
        await local.journal.until(lambda: local.calls(EDIT), "the edit that is refused")
        answers.released.set()
        await message.wait_until(lambda now: TITLE in now.text and done(now))
        assert local.calls(EDIT)[0].status == 429
        assert papers.bot_messages == [message]

    async def test_an_edit_that_fails_in_mid_stream_does_not_lose_the_answer(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.growing = [GROWN]
        answers.released.clear()
        local.fail_next(EDIT, status=400, code=50035)
        await ada.says(papers, f"{mention} does likelihood matter?")
        message = await papers.wait_for_bot_message()
        await local.journal.until(lambda: local.calls(EDIT), "the edit that is refused")
        answers.released.set()
        await message.wait_until(done)
        assert TITLE in message.text
        assert papers.bot_messages == [message]

    async def test_a_post_whose_reply_is_lost_is_not_posted_twice(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord
    ) -> None:
        local.fail_next(POST, status=502, stored=True)
        await ada.says(papers, f"{mention} does it matter?")
        assert TITLE in (await answer_in(papers)).text
        await local.journal.until(lambda: len(local.calls(POST)) == 2, "the repeated post")
        await local.taken_in()
        assert len(papers.bot_messages) == 1

    async def test_a_rate_limited_post_is_posted_later(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord
    ) -> None:
        local.rate_limit_next(POST, retry_after=0.05)
        await ada.says(papers, f"{mention} first?")
        assert TITLE in (await answer_in(papers)).text
        assert len(papers.bot_messages) == 1

    async def test_a_message_that_somebody_deletes_while_it_grows_is_posted_anew(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.released.clear()
        await ada.says(papers, f"{mention} does likelihood matter?")
        placeholder = await papers.wait_for_bot_message()
        await answers.were_asked()
        await bob.deletes(placeholder)
        answers.released.set()
        answer = await answer_in(papers)
        assert TITLE in answer.text
        assert papers.bot_messages == [answer]

    async def test_a_question_deleted_before_its_answer_takes_the_answer_with_it(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        asked = await ada.says(papers, f"{mention} does it scale?")
        message = await papers.wait_for_bot_message()
        await answers.were_asked()
        await ada.deletes(asked)
        answers.released.set()
        await local.journal.until(lambda: message.deleted, "the answer to be withdrawn")
        assert not papers.bot_messages

    async def test_a_question_that_is_gone_before_the_first_message_is_answered_without_a_reply(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord
    ) -> None:
        asked = await ada.says(papers, f"{mention} does it scale?")
        papers.messages.pop(asked.id)  # deleted, but the event about that is still on its way
        answer = await answer_in(papers)
        assert TITLE in answer.text
        assert answer.reply_to is None
        assert local.calls(POST)[0].body["message_reference"]["fail_if_not_exists"] is False

    async def test_where_the_history_is_closed_the_answer_is_no_reply(
        self, papers: Channel, ada: Person, mention: str
    ) -> None:
        papers.deny("read_message_history")
        await ada.says(papers, f"{mention} does likelihood matter?")
        answer = await answer_in(papers)
        assert TITLE in answer.text
        assert answer.reply_to is None

    async def test_a_forbidden_typing_indicator_does_not_lose_the_answer(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, answers: PreparedAnswers
    ) -> None:
        local.fail_next("POST /channels/{}/typing", status=403, code=50013)
        answers.released.clear()
        await ada.says(papers, f"{mention} does likelihood matter?")
        await local.journal.until(lambda: local.calls("POST /channels/{}/typing"), "typing")
        answers.released.set()
        assert TITLE in (await answer_in(papers)).text

    async def test_an_archived_thread_is_opened_for_the_end_of_the_answer(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        thread = await ada.opens_thread(papers, "talk")
        thread.owner = local.bot  # the one who opened a thread may reopen it
        answers.released.clear()
        await ada.says(thread, f"{mention} does likelihood matter?")
        message = await thread.wait_for_bot_message()
        await answers.were_asked()
        thread.archive()
        await local.taken_in()
        answers.released.set()
        await message.wait_until(done)
        assert TITLE in message.text
        assert not thread.archived
        assert thread.bot_messages == [message]

    async def test_in_a_locked_thread_the_asker_is_told_directly(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        thread = await ada.opens_thread(papers, "talk")
        answers.released.clear()
        await ada.says(thread, f"{mention} does likelihood matter?")
        await thread.wait_for_bot_message()
        await answers.were_asked()
        thread.archive(locked=True)
        await local.taken_in()
        answers.released.set()
        told = await ada.dm.wait_for_bot_message()
        assert f"I could not answer you in {thread.mention}" in told.text


@pytest.mark.usefixtures("bot")
class TestPermissions:
    async def test_the_missing_permission_is_named_directly_where_the_bot_cannot_speak(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        papers.deny("send_messages")
        await local.taken_in()
        await ada.says(papers, f"{mention} does likelihood matter?")
        told = await ada.dm.wait_for_bot_message()
        assert "Send Messages" in told.text
        assert papers.mention in told.text
        assert not told.pings
        assert answers.asked == []
        assert not [call for call in local.calls(POST) if str(papers.id) in call.path]
        papers.grant("send_messages")
        await local.taken_in()
        await ada.says(papers, f"{mention} does it scale?")
        assert TITLE in (await answer_in(papers)).text

    @pytest.mark.parametrize(
        ("status", "code", "words"),
        [(403, 50013, "I may not write there"), (400, 20016, "slow mode"), (400, 200000, "AutoMod")],
    )
    async def test_a_post_that_is_refused_is_explained_directly(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, status: int, code: int, words: str
    ) -> None:
        local.fail_next(POST, status=status, code=code, times=3)  # the placeholder, the answer and the apology
        await ada.says(papers, f"{mention} does likelihood matter?")
        told = await ada.dm.wait_for_bot_message()
        assert words in told.text
        assert papers.mention in told.text
        assert not papers.bot_messages

    async def test_who_takes_no_direct_messages_cannot_be_told_and_the_bot_lives_on(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, caplog: pytest.LogCaptureFixture
    ) -> None:
        ada.accepts_dms = False
        papers.deny("send_messages")
        await local.taken_in()
        await ada.says(papers, f"{mention} does likelihood matter?")
        await local.journal.until(lambda: local.calls(POST) and local.calls(POST)[-1].status == 403, "the refusal")
        papers.grant("send_messages")
        await local.taken_in()
        await ada.says(papers, f"{mention} does it scale?")
        assert TITLE in (await answer_in(papers)).text
        assert "code=50007" in caplog.text


@pytest.mark.usefixtures("bot")
class TestInteractions:
    async def test_a_lost_acknowledgement_is_repeated_and_the_command_answered(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(CALLBACK, status=502, stored=True)  # the second attempt is then refused with 40060
        interaction = await ada.uses_command(papers, "ask", question="twice?")
        assert TITLE in (await interaction.finished(done)).text
        assert [call.status for call in local.calls(CALLBACK)] == [502, 400]

    async def test_a_command_that_expired_is_answered_in_its_channel(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(CALLBACK, status=404, code=10062)
        await ada.uses_command(papers, "ask", question="too late?")
        assert TITLE in (await answer_in(papers)).text
        assert len(papers.bot_messages) == 1

    async def test_an_expired_command_that_was_private_is_answered_directly(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(CALLBACK, status=404, code=10062)
        await ada.uses_command(papers, "ask", question="too late?", private=True)
        assert TITLE in (await answer_in(ada.dm)).text
        assert not papers.bot_messages

    async def test_an_answer_that_took_a_quarter_of_an_hour_is_still_given_once(
        self, papers: Channel, ada: Person, local: LocalDiscord, answers: PreparedAnswers
    ) -> None:
        answers.released.clear()
        interaction = await ada.uses_command(papers, "ask", question="a very long time?")
        placeholder = await interaction.finished()
        assert STAGES[0] in placeholder.text
        local.clock.advance(timedelta(minutes=16))
        answers.released.set()
        await placeholder.wait_until(done)
        assert TITLE in placeholder.text
        assert papers.bot_messages == [placeholder]

    async def test_fifty_commands_at_once_are_all_acknowledged_in_time(
        self, papers: Channel, local: LocalDiscord, answers: PreparedAnswers
    ) -> None:
        people = [local.guild("Lab").member(f"Person {n}") for n in range(50)]
        answers.released.clear()
        used = [await person.uses_command(papers, "ask", question=f"{person.name}?") for person in people]
        for interaction in used:
            await interaction.response()
        late = await people[0].uses_command(papers, "ask", question="and one more?")
        await late.response()
        answers.released.set()
        for interaction in [*used, late]:
            assert TITLE in (await interaction.finished(done)).text
            assert interaction.answered_after is not None
            assert interaction.answered_after < 3
        assert len(papers.bot_messages) == 51

    async def test_commands_are_acknowledged_in_time_while_answers_compute(
        self, papers: Channel, local: LocalDiscord, bot: FootnoteBot
    ) -> None:
        bot.services.responder.answerer = computing = Computing()
        people = [local.guild("Lab").member(f"Person {n}") for n in range(50)]
        used = [await person.uses_command(papers, "ask", question=f"{person.name}?") for person in people]
        for interaction in used:
            assert TITLE in (await interaction.finished(done)).text
            assert interaction.answered_after is not None
            assert interaction.answered_after < 3
        assert computing.most_at_once == AT_ONCE

    async def test_an_answer_that_discord_refuses_becomes_an_apology(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(ORIGINAL, status=400, code=50035)
        interaction = await ada.uses_command(papers, "ask", question="broken?")
        assert "Something went wrong" in (await interaction.finished(done)).text


class Computing(PreparedAnswers):
    """Occupy a thread and the interpreter for every answer, as embedding and ranking do."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = self.most_at_once = 0

    async def stream(
        self,
        question: str,
        history: Sequence[str | Exchange] = (),
        *,
        document: object = None,  # noqa: ARG002
    ) -> AsyncGenerator[Answer, None]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.to_thread(sum, range(1_000_000))
        self.at_once -= 1
        async for answer in super().stream(question, history):
            yield answer


@pytest.mark.usefixtures("bot")
class TestOnTheWayIn:
    async def test_a_dropped_connection_is_resumed_and_its_replays_answered_once(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        await ada.says(papers, f"{mention} once?")
        used = await ada.uses_command(papers, "ask", question="once by command?")
        await used.finished(done)
        await answer_in(papers)
        await local.drop(redeliver=6)
        await local.stays_silent(0.2)
        assert sorted(answers.asked) == ["once by command?", "once?"]
        assert local.gateway.resumed == 1

    async def test_a_question_asked_during_an_outage_is_answered_after_it(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        async with local.outage():
            await ada.says(papers, f"{mention} does it scale?")
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["does it scale?"]

    async def test_an_answer_in_work_outlives_an_order_to_reconnect(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        await ada.says(papers, f"{mention} does it scale?")
        await answers.were_asked()
        await local.asks_to_reconnect()
        answers.released.set()
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["does it scale?"]

    async def test_an_answer_in_work_outlives_its_session(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        await ada.says(papers, f"{mention} does it scale?")
        await answers.were_asked()
        await local.invalidates_session()
        answers.released.set()
        assert TITLE in (await answer_in(papers)).text
        await ada.says(papers, f"{mention} does it matter?")
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["does it scale?", "does it matter?"]

    async def test_the_heartbeat_keeps_time_while_answers_are_made(self, local: LocalDiscord, ada: Person) -> None:
        await ada.dms("busy?")
        await answer_in(ada.dm)
        assert local.worst_heartbeat_lateness() < 1


@pytest.mark.usefixtures("bot")
class TestOwnFaults:
    async def test_an_error_becomes_an_apology_with_an_id_that_the_log_has_without_any_words_of_the_question(
        self,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        answers.error = ValueError("cannot answer: does my secret model scale")
        slash = await (await ada.uses_command(papers, "ask", question="does my secret model scale")).finished(done)
        await ada.says(papers, f"{mention} does my secret model scale")
        reply = await (await papers.wait_for_bot_message(lambda message: message.reply_to is not None)).wait_until(done)
        for message in (slash, reply):
            incident = re.search(r"error ([0-9a-f]{8})\.", message.text)
            assert incident
            assert f"incident={incident[1]} error=ValueError" in caplog.text
            assert "secret" not in message.text
        assert "in stream" in caplog.text
        assert "secret" not in caplog.text

    async def test_where_nothing_can_be_remembered_the_answer_comes_without_buttons(
        self, papers: Channel, ada: Person, mention: str, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with store._database.writing() as connection:
            await connection.execute(sa.text("DROP TABLE answers"))
        await ada.says(papers, f"{mention} does likelihood matter?")
        answer = await answer_in(papers)
        assert TITLE in answer.text
        assert not [part for part in answer.parts() if part.get("custom_id")]
        assert "incident=" in caplog.text


async def test_a_reply_to_an_answer_from_before_a_restart_and_a_click_on_it_still_work(
    papers: Channel, ada: Person, mention: str, online: Online, store: Store, answers: PreparedAnswers
) -> None:
    async with online():
        await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        await kept_as(store, answer)
    async with online():
        clicked = await ada.picks(answer, "Quotes in full")
        await clicked.response()
        await ada.says(papers, "second?", reply_to=answer)
        await answer_in(papers)
    assert answers.histories == [[], ["first?"]]
    assert clicked.refused is None
    assert clicked.kind


async def test_ten_answers_in_flight_are_finished_when_there_is_time(
    bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
) -> None:
    answers.released.clear()
    for number in range(10):
        await ada.says(papers, f"{mention} in time {number}?")
    await local.journal.until(lambda: len(papers.bot_messages) == 10, "all to be taken on")
    draining = asyncio.create_task(bot.services.gate.shutdown.drain())
    await asyncio.sleep(0)
    answers.released.set()
    async with asyncio.timeout(10):
        await draining
    assert len(papers.bot_messages) == 10
    assert all(TITLE in message.text and done(message) for message in papers.bot_messages)


LONG = replace(GOOD, statements=tuple(Statement(f"word{n} " * 180, (1,)) for n in range(40)))


@pytest.mark.usefixtures("bot")
class TestLongAnswers:
    async def test_where_no_file_may_be_attached_the_last_message_names_the_permission_and_has_the_buttons(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        papers.deny("attach_files")
        await local.taken_in()
        answers.prepared = LONG
        await ada.says(papers, f"{mention} everything?")
        last = await papers.wait_for_bot_message(lambda message: "“Attach Files”" in message.text)
        assert len(papers.bot_messages) == 5
        assert any(str(part.get("custom_id")).startswith("footnote:up:") for part in last.parts())

    async def test_a_file_is_whole_also_where_the_interaction_expired_as_it_was_sent(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, local: LocalDiscord
    ) -> None:
        answers.prepared = LONG
        local.fail_next("POST /webhooks/{}/{}", status=404, code=10015, times=4)
        use = await ada.uses_command(papers, "ask", question="everything?", private=True)
        await use.finished(done)
        last = await ada.dm.wait_for_bot_message(lambda message: bool(message.attachments))
        assert b"word39" in last.attachments[0].data

    async def test_a_permission_that_discord_misses_is_named(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        papers.deny("read_message_history")
        await local.taken_in()
        card = await (await ada.uses_command(papers, "ask", question="what?")).finished(done)
        local.fail_next("POST /channels/{}/messages/{}/threads", status=403, code=50013)
        refused = await (await ada.picks(card, "Continue in a thread")).finished()
        assert "I lack a permission for that here: Read Message History" in refused.text
