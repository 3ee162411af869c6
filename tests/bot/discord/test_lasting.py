"""Broken connections, cancelled calls and unreadable events: nothing is lost or said twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from bot.answering.answer import Statement
from bot.store import ServerSettings
from tests.bot.discord.prepared import GOOD, TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Message, Person

POST = "POST /channels/{}/messages"
TYPING = "POST /channels/{}/typing"
CALLBACK = "POST /interactions/{}/{}/callback"
THREAD = "POST /channels/{}/messages/{}/threads"
FOLLOW_UP = "POST /webhooks/{}/{}"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"
LONG = replace(GOOD, statements=tuple(Statement(f"word{n} " * 180, (1,)) for n in range(40)))


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


@pytest.mark.usefixtures("bot")
class TestCalls:
    @pytest.mark.parametrize("stored", [True, False])
    async def test_a_post_whose_connection_breaks_is_there_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str, stored: bool
    ) -> None:
        local.cut_next(POST, stored=stored)
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text
        assert len(papers.bot_messages) == 1
        assert len({call.body["nonce"] for call in local.calls(POST)}) == 1

    async def test_a_post_that_was_stored_and_then_slowed_down_again_and_again_is_there_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str
    ) -> None:
        local.fail_next(POST, status=502, stored=True, times=4)  # all but the last attempt of the layer
        local.rate_limit_next(POST, retry_after=0.01, times=5)  # discord.py gives up after this many
        await ada.says(papers, f"{mention} does likelihood matter?")
        await answer_in(papers)
        assert len(papers.bot_messages) == 1
        assert len({call.body["nonce"] for call in local.calls(POST)}) == 1

    @pytest.mark.parametrize("stored", [True, False])
    async def test_an_acknowledgement_whose_connection_breaks_is_repeated(
        self, local: LocalDiscord, papers: Channel, ada: Person, stored: bool
    ) -> None:
        local.cut_next(CALLBACK, stored=stored)
        use = await ada.uses_command(papers, "ask", question="does likelihood matter?")
        assert TITLE in (await use.finished(done)).text
        assert len(papers.bot_messages) == 1
        local.cut_next(CALLBACK, stored=stored)
        click = await ada.clicks(papers.bot_messages[0], "👍")
        assert "Thank you" in (await click.finished()).text

    async def test_an_answer_to_a_command_whose_connection_breaks_is_no_error(
        self, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        local.cut_next(ORIGINAL)
        use = await ada.uses_command(papers, "ask", question="does likelihood matter?")
        assert TITLE in (await use.finished(done)).text

    @pytest.mark.parametrize("status", [500, 502, 503])
    @pytest.mark.parametrize("stored", [True, False])
    async def test_an_error_of_the_servers_is_overcome_before_anybody_notices(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str, status: int, stored: bool
    ) -> None:
        for route in (POST, CALLBACK):
            local.fail_next(route, status=status, stored=stored, times=3)
        began = local.clock.now()
        said = await ada.says(papers, f"{mention} does likelihood matter?")
        use = await ada.uses_command(papers, "ask", question="does it scale?")
        reply = await papers.wait_for_bot_message(lambda message: message.reply_to is said)
        assert reply.versions[0].time - began < 5  # discord.py's own retries would take nine
        assert TITLE in (await use.finished(done)).text
        assert use.answered_after is not None
        assert use.answered_after < 3
        assert len([message for message in papers.bot_messages if message.reply_to is said]) == 1

    async def test_a_message_that_may_be_there_is_not_sent_again_under_another_name(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str
    ) -> None:
        local.cut_next(POST, stored=True, times=5)
        await ada.says(papers, f"{mention} does likelihood matter?")
        (message,) = [await papers.wait_for_bot_message()]
        await message.wait_until(lambda now: TITLE in now.text and done(now))
        await local.stays_silent(0.2)
        assert papers.bot_messages == [message]

    async def test_an_acknowledgement_that_may_have_come_in_time_is_built_on(
        self, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        local.cut_next(CALLBACK, stored=True)
        local.fail_next(CALLBACK, status=404, code=10062)
        use = await ada.uses_command(papers, "ask", question="does likelihood matter?")
        assert TITLE in (await use.finished(done)).text
        assert papers.bot_messages == [use.original]

    async def test_a_thread_that_was_opened_although_the_reply_was_lost_is_the_bots(
        self, local: LocalDiscord, papers: Channel, ada: Person, store: Store
    ) -> None:
        card = await (await ada.uses_command(papers, "ask", question="what?")).finished(done)
        local.cut_next(THREAD, stored=True)
        click = await ada.picks(card, "Continue in a thread")
        assert "Let us continue in" in (await click.finished()).text
        assert await store.threads.is_own(card.id)

    async def test_a_part_after_the_first_whose_reply_is_lost_is_there_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        answers.prepared = LONG
        local.cut_next(POST, stored=True)
        local.fail_next(POST, status=502, stored=True)
        use = await ada.uses_command(papers, "ask", question="everything?")
        await use.finished(done)
        await papers.wait_for_bot_message(lambda message: bool(message.attachments))
        texts = [message.text for message in papers.bot_messages]
        assert len(texts) == len(set(texts)) == 5

    @pytest.mark.parametrize("stored", [True, False])
    async def test_where_a_follow_up_cannot_be_repeated_it_is_not(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, stored: bool
    ) -> None:
        answers.prepared = LONG
        local.fail_next(FOLLOW_UP, status=502, stored=stored)
        use = await ada.uses_command(papers, "ask", question="everything?", private=True)
        told = await use.followup(int(stored))
        assert told.text == "The rest of this answer could not be posted. Please ask again."

    async def test_an_apology_takes_the_place_of_thinking(
        self, local: LocalDiscord, papers: Channel, ada: Person, store: Store
    ) -> None:
        card = await (await ada.uses_command(papers, "ask", question="what?")).finished(done)
        async with store._database.writing() as connection:
            await connection.execute(sa.text("DROP TABLE answers"))
        local.cut_next(ORIGINAL, stored=True)
        click = await ada.clicks(card, "👍")
        assert "Something went wrong" in (await click.finished()).text
        assert click.messages() == [click.original]

    async def test_a_call_that_is_cancelled_in_a_global_rate_limit_holds_up_no_other(
        self, local: LocalDiscord, bot: FootnoteBot, papers: Channel, ada: Person, mention: str
    ) -> None:
        local.rate_limit_next(TYPING, retry_after=0.3, is_global=True)
        typing = asyncio.create_task(bot.http.send_typing(papers.id))
        await local.journal.until(lambda: local.calls(TYPING) and local.calls(TYPING)[0].status, "the rate limit")
        await asyncio.sleep(0.05)
        typing.cancel()
        with suppress(asyncio.CancelledError):
            await typing
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text


@pytest.mark.usefixtures("bot")
class TestEvents:
    async def test_the_bot_is_back_soon_after_many_refusals(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.discord.connection.gateway_connection.LONGEST_PAUSE", timedelta(milliseconds=10))
        local.gateway.refusals = 12
        await local.drop()
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text

    async def test_an_event_that_cannot_be_read_is_dropped_and_named(
        self, papers: Channel, ada: Person, mention: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        said = await ada.says(ada.dm, "which of these?", extra={"poll": None})
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text
        assert f"event dropped type=MESSAGE_CREATE id={said.id}" in caplog.text


class TestRemoval:
    @pytest.fixture
    def message_content(self) -> bool:
        return True

    @pytest.mark.usefixtures("bot")
    @pytest.mark.parametrize("words", ["does likelihood matter?", "<@{bot}> does it scale?"])
    async def test_talk_in_a_server_that_the_bot_was_removed_from_is_no_direct_message(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, words: str
    ) -> None:
        lab = local.guild("Lab")
        local.world.emit("GUILD_DELETE", {"id": str(lab.id)}, guild=lab)
        await local.taken_in()
        said = await ada.says(papers, words.format(bot=local.bot.id))
        await ada.edits(said, f"{said.content} and for images?")
        await ada.dms("does it matter?")
        await answer_in(ada.dm)
        assert answers.asked == ["does it matter?"]
        assert not [call for call in local.router.calls if str(papers.id) in call.path]


@pytest.mark.usefixtures("bot")
class TestParts:
    async def test_a_long_answer_that_is_cut_short_does_not_say_that_there_is_none(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.prepared = LONG
        answers.released.clear()
        await ada.says(papers, f"{mention} does likelihood matter?")
        await papers.wait_for_bot_message()
        local.fail_next(POST, status=400, code=50035)
        answers.released.set()
        told = await papers.wait_for_bot_message()
        assert told.text == "The rest of this answer could not be posted. Please ask again."

    async def test_a_server_with_too_many_threads_is_told_so(
        self, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        card = await (await ada.uses_command(papers, "ask", question="what?")).finished(done)
        local.fail_next("POST /channels/{}/messages/{}/threads", status=400, code=160006)
        refused = await (await ada.picks(card, "Continue in a thread")).finished()
        assert "as many open threads as Discord allows" in refused.text


@pytest.mark.usefixtures("bot")
class TestDeadIds:
    async def test_where_the_only_channel_is_gone_moderators_may_ask_and_are_told_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, moderator: Person, mention: str, store: Store
    ) -> None:
        gone = local.guild("Lab").channel("gone")
        await local.taken_in()
        await store.servers.save(local.guild("Lab").id, ServerSettings(channels=frozenset({gone.id})))
        gone.delete()
        await local.taken_in()
        for _ in range(2):
            await moderator.says(papers, f"{mention} does likelihood matter?")
            assert TITLE in (await answer_in(papers)).text
        assert "certain channels, and they no longer exist" in (await moderator.dm.wait_for_bot_message()).text
        assert len(moderator.dm.bot_messages) == 1
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert "certain channels, and they no longer exist" in (await ada.dm.wait_for_bot_message()).text

    async def test_where_the_only_role_is_gone_moderators_may_ask_and_are_told_what_to_click(
        self,
        local: LocalDiscord,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        moderator: Person,
        mention: str,
        store: Store,
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(roles=frozenset({1})))
        await moderator.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text
        await ada.says(papers, f"{mention} does likelihood matter?")
        for person in (moderator, ada):
            told = await person.dm.wait_for_bot_message()
            assert "certain roles may ask me, and they no longer exist" in told.text
            assert await bot.linked("/settings") in told.text
        assert len(papers.bot_messages) == 1

    async def test_roles_are_named_in_direct_messages(
        self, local: LocalDiscord, papers: Channel, ada: Person, mention: str, store: Store
    ) -> None:
        role = local.guild("Lab").role("readers")
        await local.taken_in()
        await store.servers.save(local.guild("Lab").id, ServerSettings(roles=frozenset({role.id})))
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert "@readers" in (await ada.dm.wait_for_bot_message()).text
