"""The real client on the local Discord: what people see who ask the bot."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prepared import GOOD, QUOTE, REFUSAL, TITLE, URL, PreparedAnswers

from bot.answering.answer import Citation, Statement
from bot.discord.ask import CLOSING, GIVEN_UP, HELP, QUESTION_CHARACTERS, TOO_LONG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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

    async def test_a_direct_message_is_answered_without_a_mention(
        self, ada: Person, answers: PreparedAnswers
    ) -> None:
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
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
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
            body = message.components
            assert body
        assert all(call.body["allowed_mentions"] == {"parse": []} for call in papers_posts(papers, reply))

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
        assert "**[39]**" in rest.text or len(interaction.followups) > 1
        await local.taken_in()
        assert all(message.is_v2 and not message.pings for message in local.spoken())


def papers_posts(papers: Channel, reply: object) -> list:
    return []
