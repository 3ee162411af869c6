"""Connections that break, calls that are cancelled, and events that cannot be read: nothing is lost or said twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.bot.discord.prepared import TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from local_discord import Channel, LocalDiscord, Message, Person

    from bot.discord.client import FootnoteBot

POST = "POST /channels/{}/messages"
TYPING = "POST /channels/{}/typing"
CALLBACK = "POST /interactions/{}/{}/callback"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"


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
        monkeypatch.setattr("bot.discord.gateway.LONGEST_PAUSE", 0.01)
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

    async def test_talk_in_a_server_that_the_bot_was_removed_from_is_no_direct_message(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        lab = local.guild("Lab")
        local.world.emit("GUILD_DELETE", {"id": str(lab.id)}, guild=lab)
        await local.taken_in()
        await ada.says(papers, "does likelihood matter?")
        await local.stays_silent(0.3)
        assert answers.asked == []
