"""An event passes through the code's rooms in one direction: each finishes before the next begins (see walk.py)."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Statement
from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.digest.subscription_editor import subscribe
from bot.store import ServerSettings
from retrieval.sources.fetched import Fetched
from tests.bot.discord.prepared import GOOD, REFUSAL, PreparedAnswers, done
from tests.walk import DIGEST, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from retrieval.papers import Paper
    from tests.local_discord import Channel, LocalDiscord, Person
    from tests.walk import Walk

MOST_RETURNS = 2
QUESTION = "Why does the objective mismatch matter in model-based reinforcement learning?"

GROWN = tuple(replace(GOOD, statements=(Statement("word " * length, (1,)),)) for length in range(1, 6))


@pytest.fixture
def walks() -> Iterator[dict[str, list[Walk]]]:
    with watched() as walks:
        yield walks


async def walk_of(local: LocalDiscord, walks: dict[str, list[Walk]], task: str = "discord.py: on_message") -> Walk:
    """Find the walk of the task that handled the event: the client's other listeners do next to nothing."""
    await local.taken_in()
    await asyncio.sleep(0.1)
    return max(walks[task], key=lambda each: len(each.stays))


@pytest.mark.usefixtures("bot")
class TestPrepared:
    @pytest.mark.parametrize("snapshots", [0, 5])
    async def test_a_mention_is_answered_without_running_back_and_forth(
        self,
        local: LocalDiscord,
        ada: Person,
        papers: Channel,
        mention: str,
        answers: PreparedAnswers,
        walks: dict[str, list[Walk]],
        snapshots: int,
    ) -> None:
        answers.growing = GROWN[:snapshots]
        await ada.says(papers, f"{mention} {QUESTION}")
        await (await papers.wait_for_bot_message()).wait_until(done)
        walk = await walk_of(local, walks)
        assert walk.returns <= MOST_RETURNS, f"\n{walk}"
        assert walk.rooms[:3] == ["gate", "reply", "answers"]

    async def test_a_follow_up_and_a_direct_message_too(
        self, local: LocalDiscord, ada: Person, papers: Channel, mention: str, walks: dict[str, list[Walk]]
    ) -> None:
        await ada.says(papers, f"{mention} {QUESTION}")
        answer = await (await papers.wait_for_bot_message()).wait_until(done)
        follow_up = await ada.says(papers, f"{mention} And what helps?", reply_to=answer)
        await (await papers.wait_for_bot_message(lambda message: message.reply_to is follow_up)).wait_until(done)
        await ada.dms(QUESTION)
        await (await ada.dm.wait_for_bot_message()).wait_until(done)
        await walk_of(local, walks)
        served = [walk for walk in walks["discord.py: on_message"] if "answering" in walk.rooms]
        assert len(served) == 3
        for walk in served:
            assert walk.returns <= MOST_RETURNS, f"\n{walk}"
            assert walk.rooms[:3] == ["gate", "reply", "answers"]

    async def test_a_question_that_gets_a_thread_of_its_own_too(
        self,
        local: LocalDiscord,
        store: Store,
        ada: Person,
        papers: Channel,
        mention: str,
        walks: dict[str, list[Walk]],
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} {QUESTION}")
        thread = await papers.wait_for_thread()
        await (await thread.wait_for_bot_message()).wait_until(done)
        walk = await walk_of(local, walks)
        assert walk.returns <= MOST_RETURNS, f"\n{walk}"

    async def test_an_edited_question_too(
        self,
        local: LocalDiscord,
        ada: Person,
        papers: Channel,
        mention: str,
        answers: PreparedAnswers,
        walks: dict[str, list[Walk]],
    ) -> None:
        asked = await ada.says(papers, f"{mention} {QUESTION}")
        answer = await (await papers.wait_for_bot_message()).wait_until(done)
        answers.prepared = REFUSAL
        await ada.edits(asked, f"{mention} {QUESTION} Say why.")
        await answer.wait_until(lambda message: "The papers do not say." in message.text and done(message))
        walk = await walk_of(local, walks, "discord.py: on_raw_message_edit")
        assert walk.returns <= MOST_RETURNS, f"\n{walk}"


class TestReal:
    @pytest.fixture
    def bot_library(self, seeded: Library) -> Library:
        return seeded

    @pytest.fixture
    def answers(self, seeded: Library) -> Answerer:
        return Answerer(seeded, ExtractiveWriter())

    @pytest.mark.usefixtures("bot")
    async def test_a_mention_is_answered_from_the_papers_without_running_back_and_forth(
        self, local: LocalDiscord, ada: Person, papers: Channel, mention: str, walks: dict[str, list[Walk]]
    ) -> None:
        await ada.says(papers, f"{mention} {QUESTION}")
        await (await papers.wait_for_bot_message()).wait_until(done)
        walk = await walk_of(local, walks)
        assert walk.returns <= MOST_RETURNS, f"\n{walk}"
        assert walk.rooms == ["gate", "reply", "answers", "answering", "answers", "reply"]


class TestDigest:
    @pytest.fixture
    def now(self) -> Callable[[], dt.datetime]:
        """Five minutes ahead, because a digest leaves out papers of the last few minutes."""
        return lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)

    async def test_a_digest_of_several_messages_is_posted_without_running_back_and_forth(
        self, bot: FootnoteBot, store: Store, library: Library, seeds: list[Paper], papers: Channel, ada: Person
    ) -> None:
        yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        await library.add([Fetched(paper, listed=yesterday.date()) for paper in seeds[:24]])
        assert papers.guild is not None
        one = subscribe(
            kind="channel",
            place_id=papers.id,
            guild_id=papers.guild.id,
            owner_id=ada.id,
            topics=["learning", "language models"],
            most=15,
            hour=yesterday.hour,
            zone="UTC",
            now=yesterday,
        )
        await store.subscriptions.add(one)
        with watched(DIGEST) as walks:
            assert await bot.deliverer.tick() == 1
        thread = await papers.wait_for_thread()
        assert thread.bot_messages
        walk = max((walk for each in walks.values() for walk in each), key=lambda walk: len(walk.stays))
        assert walk.returns <= MOST_RETURNS, f"\n{walk}"
        assert walk.rooms[0] == "digest"
        assert "digests" in walk.rooms
