"""People who have had no sign yet that they were heard come before the answers to others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.discord.gate import acknowledgement as arrivals
from bot.discord.gate.acknowledgement import Acknowledgements
from tests.bot.discord.prepared import TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from tests.local_discord import Channel, LocalDiscord, Person

CALLBACK = "POST /interactions/{}/{}/callback"


@pytest.mark.usefixtures("bot")
class TestOrder:
    async def test_no_answer_is_begun_while_somebody_else_waits_to_be_acknowledged(
        self,
        papers: Channel,
        ada: Person,
        bob: Person,
        answers: PreparedAnswers,
        mention: str,
        local: LocalDiscord,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(arrivals, "LONGEST_WAIT", timedelta(seconds=10))
        with local.hold(CALLBACK):
            used = await ada.uses_command(papers, "ask", question="first?")
            await local.journal.until(lambda: local.calls(CALLBACK), "the acknowledgement")
            await bob.says(papers, f"{mention} second?")
            reply = await papers.wait_for_bot_message()
            await local.stays_silent(0.1)
            assert answers.asked == []
        assert TITLE in (await reply.wait_until(done)).text
        assert TITLE in (await used.finished(done)).text
        assert sorted(answers.asked) == ["first?", "second?"]

    async def test_an_acknowledgement_that_does_not_arrive_holds_others_up_for_a_moment_only(
        self,
        papers: Channel,
        ada: Person,
        bob: Person,
        answers: PreparedAnswers,
        mention: str,
        local: LocalDiscord,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(arrivals, "LONGEST_WAIT", timedelta(seconds=0.05))
        with local.hold(CALLBACK):
            await ada.uses_command(papers, "ask", question="first?")
            await local.journal.until(lambda: local.calls(CALLBACK), "the acknowledgement")
            await bob.says(papers, f"{mention} second?")
            assert TITLE in (await (await papers.wait_for_bot_message()).wait_until(done)).text
            assert answers.asked == ["second?"]


async def test_whoever_waits_alone_waits_for_nobody() -> None:
    waiting = Acknowledgements()
    waiting.add(1)
    async with asyncio.timeout(0.2):
        await waiting.let_pass(1)


async def test_an_event_whose_task_ended_without_a_sign_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LONGEST_WAIT", timedelta(seconds=10))
    waiting = Acknowledgements()

    async def handle() -> None:
        waiting.add(1)

    await asyncio.create_task(handle())
    async with asyncio.timeout(1):
        await waiting.let_pass()
