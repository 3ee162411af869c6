"""The real client on the local Discord: what people see who ask the bot."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
import pytest
from discord import app_commands

from bot.answering.answer import Citation, Statement
from bot.discord.ask import CLOSING, GIVEN_UP, HELP, QUESTION_CHARACTERS, TOO_LONG
from bot.discord.sync import FILE_NAME, sync_if_changed
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, TITLE, URL, PreparedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from local_discord import Channel, LocalDiscord, Person

    from bot.discord.client import FootnoteBot

POST = "POST /channels/{}/messages"
CALLBACK = "POST /interactions/{}/{}/callback"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"


@asynccontextmanager
async def online(local: LocalDiscord, bot: FootnoteBot) -> AsyncIterator[FootnoteBot]:
    starts = local.gateway.identified
    async with bot:
        running = asyncio.create_task(bot.start(local.token))
        await local.ready(starts + 1)
        yield bot
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def papers(local: LocalDiscord) -> Channel:
    return local.guild("Lab").channel("papers")


@pytest.fixture
def ada(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Ada")


@pytest.fixture
async def bot(
    local: LocalDiscord, papers: Channel, ada: Person, make_bot: Callable[[], FootnoteBot]
) -> AsyncIterator[FootnoteBot]:
    async with online(local, make_bot()) as bot:
        yield bot


@pytest.fixture
def mention(local: LocalDiscord) -> str:
    return local.bot.mention


@pytest.mark.usefixtures("bot")
class TestAsking:
    async def test_a_slash_command_is_deferred_at_once_and_then_answered(
        self, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        answers.released.clear()
        interaction = await ada.uses_command(papers, "ask", question=" does likelihood matter? ")
        assert (await interaction.response()).kind == "deferred"
        assert not interaction.ephemeral
        assert interaction.final is None
        answers.released.set()
        answer = await interaction.finished()
        assert f"{QUOTE} [1]" in answer.text
        assert TITLE in answer.text
        assert answer.links == [URL]
        assert answer.is_v2
        assert not answer.pings
        assert answers.asked == ["does likelihood matter?"]

    async def test_a_mention_is_answered_by_a_reply_while_typing_shows(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        asked = await ada.says(papers, f"{mention} does likelihood matter?")
        await local.journal.until(lambda: papers.typing_shown, "typing")
        answers.released.set()
        answer = await papers.wait_for_bot_message()
        assert answer.reply_to is asked
        assert TITLE in answer.text
        assert not answer.pings
        assert answers.asked == ["does likelihood matter?"]

    async def test_a_direct_message_is_answered_without_a_mention(self, ada: Person, answers: PreparedAnswers) -> None:
        await ada.dms("does likelihood matter?")
        assert TITLE in (await ada.dm.wait_for_bot_message()).text
        interaction = await ada.uses_command(ada.dm, "ask", question="and here?")
        assert TITLE in (await interaction.finished()).text
        assert answers.asked == ["does likelihood matter?", "and here?"]

    async def test_a_reply_to_the_bot_is_a_question_if_it_pings_and_says_something(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        await ada.says(papers, f"{mention} first")
        answer = await papers.wait_for_bot_message()
        await ada.says(papers, "thanks", reply_to=answer, ping=False)
        await local.stays_silent(0.1)
        await ada.says(papers, "and second?", reply_to=answer)
        await papers.wait_for_bot_message()
        assert answers.asked == ["first", "and second?"]

    async def test_what_is_not_said_to_the_bot_stays_unanswered(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        other = local.guild("Lab").member("OtherBot", bot=True)
        await other.says(papers, f"{mention} ping")
        await other.dms("ping")
        await ada.says(papers, "@everyone does likelihood matter?")
        await local.stays_silent(0.2)
        assert answers.asked == []

    @pytest.mark.parametrize("text", ["{}", "  {}  ", "{} <@&5>"])
    async def test_an_empty_mention_gets_a_line_of_help(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, text: str
    ) -> None:
        await ada.says(papers, text.format(mention))
        assert (await papers.wait_for_bot_message()).text == HELP
        assert answers.asked == []

    async def test_a_question_that_is_too_long_gets_a_line_that_says_so(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        await ada.says(papers, mention + "x" * (QUESTION_CHARACTERS + 1))
        assert (await papers.wait_for_bot_message()).text == TOO_LONG
        assert answers.asked == []

    async def test_mentions_of_others_reach_the_answerer_as_names(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        bob = local.guild("Lab").member("Bob")
        role = local.guild("Lab").role("readers")
        others = f"{bob.mention}, {role.mention} and {papers.mention} <:owl:123> <@42>"
        await ada.says(papers, f"what do {others} {mention} say?")
        await papers.wait_for_bot_message()
        assert answers.asked == ["what do Bob, readers and papers :owl: say?"]

    async def test_a_repeated_event_is_answered_once(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        asked = await ada.says(papers, f"{mention} once?")
        await papers.wait_for_bot_message()
        await local.replay(asked)
        await local.drop(redeliver=3)
        await local.stays_silent(0.2)
        assert answers.asked == ["once?"]

    async def test_a_question_asked_during_an_outage_is_answered_after_it(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        async with local.outage():
            await ada.says(papers, f"{mention} still there?")
        assert TITLE in (await papers.wait_for_bot_message()).text
        assert answers.asked == ["still there?"]

    async def test_a_refusal_names_the_nearest_papers(
        self, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        answers.prepared = REFUSAL
        answer = await (await ada.uses_command(papers, "ask", question="weather?")).finished()
        assert "The papers do not say." in answer.text
        assert answer.links == [URL]

    async def test_nothing_in_an_answer_pings_anybody(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        evil = f"@everyone @here {ada.mention} <@&1> [x](https://evil.example)"
        answers.prepared = replace(
            GOOD,
            statements=(Statement(evil, (1,)),),
            citations=(Citation(1, "id", evil, URL, evil),),
            note=evil,
        )
        slash = await (await ada.uses_command(papers, "ask", question="x")).finished()
        await ada.says(papers, f"{mention} x")
        reply = await papers.wait_for_bot_message(lambda message: message.reply_to is not None)
        for message in (slash, reply):
            assert not message.pings
            assert "@everyone" not in message.text
            assert ada.mention not in message.text
        for call in [*local.calls(POST), *local.calls(ORIGINAL)]:
            assert call.body["allowed_mentions"] == {"parse": []}

    async def test_only_the_first_message_of_a_long_answer_replies(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.prepared = replace(GOOD, citations=tuple(replace(GOOD.citations[0], number=n) for n in range(1, 40)))
        asked = await ada.says(papers, f"{mention} everything?")
        first, second = [await papers.wait_for_bot_message() for _ in range(2)]
        assert (first.reply_to, second.reply_to) == (asked, None)
        interaction = await ada.uses_command(papers, "ask", question="everything?")
        await interaction.finished()
        rest = await interaction.followup()
        assert "**[39]**" in second.text
        assert "**[39]**" in rest.text
        assert all(message.is_v2 and not message.pings for message in local.spoken())


@pytest.mark.usefixtures("bot")
class TestTrouble:
    async def test_an_error_becomes_an_apology_with_an_id_that_the_log_has_without_any_words_of_the_question(
        self,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        answers.error = ValueError("cannot answer: my secret question")
        slash = await (await ada.uses_command(papers, "ask", question="my secret question")).finished()
        await ada.says(papers, f"{mention} my secret question")
        reply = await papers.wait_for_bot_message(lambda message: message.reply_to is not None)
        for message in (slash, reply):
            incident = re.search(r"error ([0-9a-f]{8})\.", message.text)
            assert incident
            assert f"incident={incident[1]} error=ValueError" in caplog.text
        assert "in answer" in caplog.text
        assert "secret" not in caplog.text
        assert "secret" not in slash.text

    async def test_a_deleted_question_is_answered_without_a_reply(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.released.clear()
        asked = await ada.says(papers, f"{mention} gone soon?")
        await answers.were_asked()
        await ada.deletes(asked)
        answers.released.set()
        answer = await papers.wait_for_bot_message()
        assert TITLE in answer.text
        assert answer.reply_to is None

    async def test_where_the_history_is_closed_the_answer_is_no_reply(
        self, papers: Channel, ada: Person, mention: str
    ) -> None:
        papers.deny("read_message_history")
        await ada.says(papers, f"{mention} may you read?")
        answer = await papers.wait_for_bot_message()
        assert TITLE in answer.text
        assert answer.reply_to is None

    async def test_a_forbidden_typing_indicator_does_not_lose_the_answer(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, answers: PreparedAnswers
    ) -> None:
        local.fail_next("POST /channels/{}/typing", status=403, code=50013)
        answers.released.clear()
        await ada.says(papers, f"{mention} may you type?")
        await local.journal.until(lambda: local.calls("POST /channels/{}/typing"), "typing")
        answers.released.set()
        assert TITLE in (await papers.wait_for_bot_message()).text

    async def test_a_rate_limit_and_a_lost_reply_delay_the_answer_and_do_not_double_it(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord
    ) -> None:
        local.rate_limit_next(POST, retry_after=0.05)
        await ada.says(papers, f"{mention} first?")
        assert TITLE in (await papers.wait_for_bot_message()).text
        local.fail_next(POST, status=502, stored=True)
        await ada.says(papers, f"{mention} second?")
        assert TITLE in (await papers.wait_for_bot_message()).text
        await local.journal.until(lambda: len(local.calls(POST)) == 4, "the repeated post")
        await local.taken_in()
        assert len(papers.bot_messages) == 2

    async def test_a_lost_acknowledgement_is_repeated_and_the_command_answered(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(CALLBACK, status=502, stored=True)  # the second attempt is then refused with 40060
        interaction = await ada.uses_command(papers, "ask", question="twice?")
        assert TITLE in (await interaction.finished()).text
        assert [call.status for call in local.calls(CALLBACK)] == [502, 400]

    async def test_a_command_that_expired_is_answered_in_its_channel(
        self, papers: Channel, ada: Person, local: LocalDiscord, answers: PreparedAnswers
    ) -> None:
        local.fail_next(CALLBACK, status=404, code=10062)
        await ada.uses_command(papers, "ask", question="too late?")
        assert TITLE in (await papers.wait_for_bot_message()).text
        answers.released.clear()
        interaction = await ada.uses_command(papers, "ask", question="a very long time?")
        await interaction.response()
        local.clock.advance(16 * 60)
        answers.released.set()
        assert TITLE in (await papers.wait_for_bot_message(lambda message: not message.loading)).text

    async def test_an_answer_that_discord_refuses_becomes_an_apology(
        self, papers: Channel, ada: Person, local: LocalDiscord
    ) -> None:
        local.fail_next(ORIGINAL, status=400, code=50035)
        interaction = await ada.uses_command(papers, "ask", question="broken?")
        assert "Something went wrong" in (await interaction.finished()).text

    async def test_where_the_bot_may_not_write_it_stays_silent_and_alive(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, caplog: pytest.LogCaptureFixture
    ) -> None:
        papers.deny("send_messages")
        await ada.says(papers, f"{mention} hello?")
        await local.journal.until(lambda: len(local.calls(POST)) == 2, "the apology to be refused as well")
        papers.grant("send_messages")
        await ada.says(papers, f"{mention} hello again?")
        assert TITLE in (await papers.wait_for_bot_message()).text
        assert "not delivered" in caplog.text
        assert "code=50013" in caplog.text

    async def test_the_heartbeat_keeps_time_while_answers_are_made(self, local: LocalDiscord, ada: Person) -> None:
        await ada.dms("busy?")
        await ada.dm.wait_for_bot_message()
        assert local.worst_heartbeat_lateness() < 1


class TestClosing:
    async def test_answers_in_flight_are_finished_and_no_new_questions_taken(
        self, bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.released.clear()
        early = await ada.uses_command(papers, "ask", question="in time?")
        await answers.were_asked()
        closing = asyncio.create_task(bot.in_flight.drain())
        await asyncio.sleep(0)
        late = await ada.uses_command(papers, "ask", question="too late?")
        assert CLOSING in (await late.finished()).text
        assert late.ephemeral
        await ada.says(papers, f"{mention} too late?")
        answers.released.set()
        await closing
        assert early.final
        assert TITLE in early.final.text
        assert answers.asked == ["in time?"]

    async def test_what_cannot_be_finished_in_time_is_apologised_for(
        self, bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.released.clear()
        slash = await ada.uses_command(papers, "ask", question="endless?")
        await ada.says(papers, f"{mention} endless too?")
        await answers.were_asked()
        while len(answers.asked) < 2:
            await answers.were_asked()
        await bot.in_flight.drain(seconds=0.01)
        assert (await slash.finished()).text == GIVEN_UP
        reply = await papers.wait_for_bot_message(lambda message: message.reply_to is not None)
        assert reply.text == GIVEN_UP

    async def test_with_nothing_to_do_closing_does_not_wait(self, bot: FootnoteBot) -> None:
        async with asyncio.timeout(1):
            await bot.in_flight.drain()


class TestStarting:
    @pytest.mark.usefixtures("bot")
    async def test_no_privileged_intent_is_asked_for(self, local: LocalDiscord) -> None:
        (session,) = local.gateway.connected()
        wanted = discord.Intents._from_value(session.intents)
        assert wanted == discord.Intents(guilds=True, guild_messages=True, dm_messages=True)

    async def test_commands_are_sent_at_the_first_start_and_not_again_at_the_second(
        self, local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
    ) -> None:
        for _ in range(2):
            async with online(local, make_bot()) as bot:
                assert bot.syncing
                await bot.syncing
            assert local.command_syncs == [None]

    async def test_changed_commands_are_sent_again(
        self, local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
    ) -> None:
        async with online(local, make_bot()) as bot:
            assert bot.syncing
            await bot.syncing
            command = bot.tree.get_command("ask")
            assert isinstance(command, app_commands.Command)
            command.description = "Ask something else."
            await sync_if_changed(bot.tree, bot._commands_file)
        assert local.command_syncs == [None, None]
        assert local.world.commands[None][0]["description"] == "Ask something else."

    async def test_a_failed_sync_leaves_the_bot_running_and_is_tried_at_the_next_start(
        self, local: LocalDiscord, make_bot: Callable[[], FootnoteBot], ada: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        local.fail_next("PUT /applications/{}/commands", status=403, code=30034)
        async with online(local, make_bot()) as bot:
            assert bot.syncing
            await bot.syncing
            assert "commands not synced" in caplog.text
            await ada.dms("still there?")
            assert TITLE in (await ada.dm.wait_for_bot_message()).text
        async with online(local, make_bot()) as bot:
            assert bot.syncing
            await bot.syncing
        assert local.command_syncs == [None]

    async def test_a_damaged_record_means_that_they_are_sent_again(
        self, local: LocalDiscord, make_bot: Callable[[], FootnoteBot], tmp_path: Path
    ) -> None:
        (tmp_path / FILE_NAME).write_text("{")
        async with online(local, make_bot()) as bot:
            assert bot.syncing
            await bot.syncing
        assert local.command_syncs == [None]
