"""The real client on the local Discord: what people see when they ask the bot."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Citation, Statement
from bot.discord.ui.discord_limits import LONGEST_QUESTION
from bot.store import ServerSettings
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, STAGES, TITLE, URL, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Message, Person

POST = "POST /channels/{}/messages"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"
HELP = "Ask me about research papers: write your question after my name, or use /ask."


async def answer_in(channel: Channel) -> Message:
    """Wait for the bot's next message in a channel, until it is complete."""
    return await (await channel.wait_for_bot_message()).wait_until(done)


@pytest.mark.usefixtures("bot")
class TestAsking:
    async def test_a_slash_command_is_deferred_at_once_and_then_answered(
        self, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        answers.released.clear()
        interaction = await ada.uses_command(papers, "ask", question=" does likelihood matter? ")
        assert (await interaction.response()).kind == "deferred"
        assert not interaction.ephemeral
        assert STAGES[0] in (await interaction.finished()).text
        answers.released.set()
        answer = await interaction.finished(done)
        assert f"{QUOTE} [1]" in answer.text
        assert TITLE in answer.text
        assert "does likelihood matter?" in answer.text
        assert URL in answer.links
        assert answer.is_v2
        assert not answer.pings
        assert answers.asked == ["does likelihood matter?"]

    async def test_a_private_answer_is_seen_by_its_asker_alone(
        self, papers: Channel, ada: Person, store: Store
    ) -> None:
        interaction = await ada.uses_command(papers, "ask", question="does likelihood matter?", private=True)
        answer = await interaction.finished(done)
        assert interaction.ephemeral
        assert answer.viewer is ada
        assert not papers.bot_messages
        assert (await kept_as(store, answer)).private

    async def test_a_server_may_make_answers_to_commands_private_unless_asked_otherwise(
        self, papers: Channel, ada: Person, local: LocalDiscord, store: Store
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(private=True))
        hidden = await ada.uses_command(papers, "ask", question="one?")
        await hidden.finished(done)
        assert hidden.ephemeral
        shown = await ada.uses_command(papers, "ask", question="two?", private=False)
        await shown.finished(done)
        assert not shown.ephemeral

    async def test_a_mention_is_answered_by_a_reply_while_typing_shows(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        asked = await ada.says(papers, f"{mention} does likelihood matter?")
        await local.journal.until(lambda: papers.typing_shown, "typing")
        answers.released.set()
        answer = await answer_in(papers)
        assert answer.reply_to is asked
        assert TITLE in answer.text
        assert not answer.pings
        assert answers.asked == ["does likelihood matter?"]

    async def test_statements_show_as_they_are_checked(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.growing = [replace(GOOD, statements=(Statement("A first sentence.", (1,)),))]
        answers.released.clear()
        await ada.says(papers, f"{mention} does likelihood matter?")
        message = await papers.wait_for_bot_message()
        await message.wait_until(lambda now: "A first sentence. [1]" in now.text and STAGES[1] in now.text)
        answers.released.set()
        await message.wait_until(done)
        assert QUOTE in message.text
        assert len(papers.bot_messages) == 1

    async def test_a_direct_message_is_answered_without_a_mention(self, ada: Person, answers: PreparedAnswers) -> None:
        await ada.dms("does likelihood matter?")
        assert TITLE in (await answer_in(ada.dm)).text
        interaction = await ada.uses_command(ada.dm, "ask", question="and here?")
        assert TITLE in (await interaction.finished(done)).text
        assert answers.asked == ["does likelihood matter?", "and here?"]

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
        self, bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, text: str
    ) -> None:
        await ada.says(papers, text.format(mention))
        assert (await papers.wait_for_bot_message()).text == await bot.linked(HELP)
        assert answers.asked == []

    async def test_a_question_that_is_too_long_gets_a_line_that_says_so(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        await ada.says(papers, mention + "x" * (LONGEST_QUESTION + 1))
        assert "at most 2000 characters" in (await papers.wait_for_bot_message()).text
        assert answers.asked == []

    async def test_mentions_of_others_reach_the_answerer_as_names(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        bob = local.guild("Lab").member("Bob\u202e\nB")
        role = local.guild("Lab").role("readers")
        others = f"{bob.mention}, {role.mention} and {papers.mention} <:owl:123> <@42>"
        await ada.says(papers, f"what do {others} {mention} say?")
        await answer_in(papers)
        assert answers.asked == ["what do Bob B, readers and papers :owl: say?"]

    async def test_a_repeated_event_is_answered_once(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        asked = await ada.says(papers, f"{mention} once?")
        await answer_in(papers)
        await local.replay(asked)
        await local.drop(redeliver=3)
        await local.stays_silent(0.2)
        assert answers.asked == ["once?"]

    async def test_a_refusal_is_one_sentence(self, papers: Channel, ada: Person, answers: PreparedAnswers) -> None:
        answers.prepared = REFUSAL
        answer = await (await ada.uses_command(papers, "ask", question="weather?")).finished(done)
        assert answer.text == "> **weather?**\nThe papers do not say."

    async def test_a_command_that_a_refusal_names_can_be_clicked(
        self, bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.prepared = replace(REFUSAL, refusal="I do not know 2106.00001. /submit adds a paper to the library.")
        await ada.says(papers, f"{mention} what does 2106.00001 say?")
        reply = await (await papers.wait_for_bot_message()).wait_until(done)
        assert f"{await bot.linked('/submit')} adds a paper" in reply.text
        assert "</submit:" in reply.text

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
        answers.growing = [answers.prepared]
        slash = await (await ada.uses_command(papers, "ask", question=evil)).finished(done)
        await ada.says(papers, f"{mention} x {evil}")
        reply = await (await papers.wait_for_bot_message(lambda message: message.reply_to is not None)).wait_until(done)
        for message in (slash, reply):
            assert not message.pings
            assert "@everyone" not in message.text
            assert ada.mention not in message.text
        for call in [*local.calls(POST), *local.calls(ORIGINAL)]:
            assert call.body["allowed_mentions"]["parse"] == []
            assert not call.body["allowed_mentions"].get("replied_user")

    async def test_only_the_first_message_of_a_long_answer_replies(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        many = tuple(replace(GOOD.citations[0], number=n, paper_id=f"p{n}", title=f"{TITLE} {n}") for n in range(1, 60))
        answers.prepared = replace(GOOD, citations=many)
        asked = await ada.says(papers, f"{mention} everything?")
        first = await answer_in(papers)
        second = await papers.wait_for_bot_message()
        assert (first.reply_to, second.reply_to) == (asked, None)
        interaction = await ada.uses_command(papers, "ask", question="everything?")
        answer = await interaction.finished(done)
        await papers.wait_for_bot_message(lambda message: message is not answer)
        assert all(message.is_v2 and not message.pings for message in local.bot_messages())


@pytest.mark.usefixtures("bot")
class TestConversation:
    async def test_a_reply_to_the_bot_goes_on_from_that_answer(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        await kept_as(store, answer)
        await ada.says(papers, "thanks", reply_to=answer, ping=False)
        await local.stays_silent(0.1)
        await ada.says(papers, f"{mention} something else?")
        await answer_in(papers)
        await ada.says(papers, "and second?", reply_to=answer)
        second = await answer_in(papers)
        await kept_as(store, second)
        await ada.says(papers, "and third?", reply_to=second)
        await answer_in(papers)
        assert answers.asked == ["first?", "something else?", "and second?", "and third?"]
        assert answers.histories == [[], [], ["first?"], ["first?", "and second?"]]

    async def test_a_conversation_survives_a_restart(
        self,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        online: Online,
        store: Store,
    ) -> None:
        await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        await kept_as(store, answer)
        await bot.close()
        async with online():
            await ada.says(papers, "and second?", reply_to=answer)
            await answer_in(papers)
        assert answers.histories == [[], ["first?"]]

    async def test_a_direct_message_goes_on_for_an_hour(
        self, ada: Person, answers: PreparedAnswers, store: Store
    ) -> None:
        await ada.dms("first?")
        answer = await answer_in(ada.dm)
        await kept_as(store, answer)
        await ada.dms("second?")
        await kept_as(store, await answer_in(ada.dm))
        for message in ada.dm.bot_messages:
            kept = await kept_as(store, message)
            await store.answers.withdraw(kept.answer_id)
            old = replace(kept, asked_at=datetime.now(UTC) - timedelta(hours=2), parent_id=None)
            await store.answers.keep(old)
        await ada.dms("third?")
        await answer_in(ada.dm)
        assert answers.histories == [[], ["first?"], []]
        assert answer.reply_to

    async def test_in_a_thread_each_goes_on_from_their_own_question(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str, store: Store
    ) -> None:
        await ada.says(papers, f"{mention} start?")
        start = await answer_in(papers)
        await kept_as(store, start)
        thread = await ada.opens_thread(papers, "talk", start)
        for person, question in [(bob, "b1?"), (ada, "a1?"), (bob, "b2?"), (ada, "a2?")]:
            await person.says(thread, f"{mention} {question}")
            await kept_as(store, await answer_in(thread))
        assert answers.histories == [[], ["start?"], ["start?", "b1?"], ["start?", "b1?"], ["start?", "b1?", "a1?"]]

    async def test_without_the_intent_a_thread_of_the_bot_needs_a_mention(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} first?")
        thread = await papers.wait_for_thread()
        await answer_in(thread)
        await ada.says(thread, "and second?")
        await local.stays_silent(0.1)
        await ada.says(thread, f"{mention} third?")
        await answer_in(thread)
        assert answers.asked == ["first?", "third?"]

    async def test_a_server_may_want_a_thread_for_each_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} {'why? ' * 40}")
        thread = await papers.wait_for_thread()
        assert thread.name.startswith("why? why?")
        assert TITLE in (await answer_in(thread)).text
        assert not papers.bot_messages
        await ada.says(thread, f"{mention} and then?")
        await answer_in(thread)
        assert len(answers.histories[1]) == 1
        papers.deny("create_public_threads")
        await local.taken_in()
        await ada.says(papers, f"{mention} does it scale?")
        assert TITLE in (await answer_in(papers)).text


class TestWithMessageContent:
    @pytest.fixture
    def message_content(self) -> bool:
        return True

    async def test_in_its_own_threads_the_bot_needs_no_mention_but_minds_what_is_said_to_others(
        self,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        bob: Person,
        answers: PreparedAnswers,
        mention: str,
        local: LocalDiscord,
        store: Store,
    ) -> None:
        assert bot.intents.message_content
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} first?")
        thread = await papers.wait_for_thread()
        await answer_in(thread)
        said = await bob.says(thread, "and second?")
        await answer_in(thread)
        await ada.says(thread, f"{bob.mention} what do you think?")
        await ada.says(thread, "I agree", reply_to=said)
        await ada.says(thread, "I think the second one is better")
        await bob.says(thread, "+1, we did that last year too")
        await ada.says(papers, "not to anybody")
        others = await ada.opens_thread(papers, "chat")
        await ada.says(others, "not to the bot either")
        await local.stays_silent(0.2)
        assert answers.asked == ["first?", "and second?"]
        assert answers.histories[1] == ["first?"]

    async def test_a_command_may_begin_with_the_prefix_of_the_server(
        self,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        local: LocalDiscord,
        store: Store,
    ) -> None:
        assert not bot.is_closed()
        await ada.says(papers, "!ask first?")
        await answer_in(papers)
        await store.servers.save(local.guild("Lab").id, ServerSettings(prefix="p."))
        await ada.says(papers, "!ask not any more?")
        await ada.says(papers, "p.ask second?")
        await answer_in(papers)
        assert answers.asked == ["first?", "second?"]


@pytest.mark.usefixtures("bot")
class TestCommandsAfterAMention:
    async def test_ask_takes_what_follows_as_the_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        await ada.says(papers, f"{mention}  Ask  does likelihood matter?")
        await answer_in(papers)
        assert answers.asked == ["does likelihood matter?"]

    async def test_help_lists_the_commands(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        await ada.says(papers, f"{mention} help")
        assert "/ask" in (await papers.wait_for_bot_message()).text
        assert answers.asked == []

    async def test_a_question_that_begins_like_a_command_is_a_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        questions = [
            "help me find work on likelihood",
            "about that: does likelihood matter?",
            "trending ideas in control",
            "similar papers to that one?",
            "search engines: any?",
        ]
        for question in questions:
            await ada.says(papers, f"{mention} {question}")
            await answer_in(papers)
        assert answers.asked == questions


@pytest.mark.usefixtures("bot")
class TestChangedQuestions:
    async def test_an_edited_question_is_answered_anew_in_the_same_message(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, store: Store
    ) -> None:
        asked = await ada.says(papers, f"{mention} frist?")
        answer = await answer_in(papers)
        answers.prepared = REFUSAL
        await ada.edits(asked, f"{mention} first?")
        await answer.wait_until(lambda message: "The papers do not say." in message.text and done(message))
        assert papers.bot_messages == [answer]
        assert answers.asked == ["frist?", "first?"]
        assert (await kept_as(store, answer)).answer.refused

    async def test_a_shorter_answer_takes_the_messages_of_a_longer_one_away(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        many = tuple(replace(GOOD.citations[0], number=n, paper_id=f"p{n}", title=f"{TITLE} {n}") for n in range(1, 60))
        answers.prepared = replace(GOOD, citations=many)
        asked = await ada.says(papers, f"{mention} everything?")
        first = await answer_in(papers)
        await papers.wait_for_bot_message()
        answers.prepared = GOOD
        await ada.edits(asked, f"{mention} something?")
        await local.journal.until(lambda: len(papers.bot_messages) == 1, "the rest to be deleted")
        assert papers.bot_messages == [first]

    async def test_an_edit_that_changes_no_word_changes_nothing(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        asked = await ada.says(papers, f"{mention} first?")
        await answer_in(papers)
        await ada.edits(asked, f"{mention}   first?")
        await local.stays_silent(0.2)
        assert answers.asked == ["first?"]

    async def test_an_edit_during_the_answer_is_answered_after_it(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord
    ) -> None:
        answers.released.clear()
        asked = await ada.says(papers, f"{mention} frist?")
        await answers.were_asked()
        await ada.edits(asked, f"{mention} first?")
        await local.taken_in()
        answers.released.set()
        await answers.were_asked(2)
        await (await papers.wait_for_bot_message()).wait_until(done)
        assert answers.asked == ["frist?", "first?"]
        assert len(papers.bot_messages) == 1

    async def test_a_mention_added_later_is_heard(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        asked = await ada.says(papers, "first?")
        await ada.edits(asked, f"{mention} first?")
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["first?"]

    async def test_deleting_the_question_withdraws_the_answer(
        self, papers: Channel, ada: Person, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        asked = await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        await ada.deletes(asked)
        await local.journal.until(lambda: answer.deleted, "the answer to be withdrawn")
        assert await store.answers.of_message(answer.id) is None

    async def test_an_old_answer_stays_whatever_becomes_of_its_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        asked = await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        kept = await kept_as(store, answer)
        await store.answers.withdraw(kept.answer_id)
        await store.answers.keep(replace(kept, asked_at=datetime.now(UTC) - timedelta(minutes=11)))
        await store.answers.mark_posted(kept.answer_id, [answer.id])
        await ada.edits(asked, f"{mention} second?")
        await local.stays_silent(0.1)
        await ada.deletes(asked)
        await local.stays_silent(0.1)
        assert not answer.deleted
        assert answers.asked == ["first?"]


class TestClosing:
    async def test_answers_in_flight_are_finished_and_late_questions_told_to_wait(
        self, bot: FootnoteBot, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.released.clear()
        early = await ada.uses_command(papers, "ask", question="in time?")
        await answers.were_asked()
        closing = asyncio.create_task(bot.services.gate.shutdown.drain())
        await asyncio.sleep(0)
        late = await ada.uses_command(papers, "ask", question="too late?")
        assert "being restarted" in (await late.finished(done)).text
        said = await ada.says(papers, f"{mention} too late?")
        reply = await papers.wait_for_bot_message(lambda message: message.reply_to is said)
        assert "being restarted" in reply.text
        answers.released.set()
        await closing
        assert early.final
        assert TITLE in early.final.text
        assert answers.asked == ["in time?"]

    async def test_ten_answers_that_cannot_be_finished_in_time_are_all_apologised_for(
        self,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        local: LocalDiscord,
    ) -> None:
        answers.released.clear()
        used = [await ada.uses_command(papers, "ask", question=f"endless {n}?") for n in range(5)]
        said = [await ada.says(papers, f"{mention} endless {n}?") for n in range(5, 10)]
        await local.journal.until(lambda: len(papers.bot_messages) == 10, "all to be taken on")
        await bot.services.gate.shutdown.drain(timedelta(milliseconds=10))
        finals = [interaction.final for interaction in used]
        finals += [message for message in papers.bot_messages if message.reply_to in said]
        assert len(finals) == 10
        for final in finals:
            assert final
            assert "could not finish this" in final.text
        assert len(papers.bot_messages) == 10

    async def test_with_nothing_to_do_closing_does_not_wait(self, bot: FootnoteBot) -> None:
        async with asyncio.timeout(1):
            await bot.services.gate.shutdown.drain()


def test_the_stages_are_said_in_the_desk() -> None:
    # `done` looks for these words, so a change to them is noticed here first.
    from pathlib import Path

    import bot.discord.answers.responder

    source = Path(bot.discord.answers.responder.__file__).read_text(encoding="utf-8")
    assert all(re.search(re.escape(stage), source) for stage in STAGES)
