"""The bot when its PostgreSQL and Chroma servers go away: one sentence in time, and no restart afterwards."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.services import make_services
from bot.store import Store
from retrieval.index.chroma_server import ChromaServer
from retrieval.library import Library
from tests.bot.discord.prepared import done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from retrieval.embedding.local import LocalEmbedder
    from retrieval.papers import Paper
    from tests.local_discord import Channel, LocalDiscord, Person
    from tests.servers import Chroma, Postgres

    from .conftest import Online

MEMORY = "cannot reach my memory"
WORDS = "only by their words"
SENTENCE_WITHIN = 5.0  # seconds
PAPERS = 5  # of the seeds; the questions are about the first
BACK_WITHIN = 10.0  # seconds
ASKED = "what is objective mismatch in model-based reinforcement learning?"


@pytest.fixture
async def make_bot(
    local: LocalDiscord, database: str, chroma: Chroma, tmp_path: Path, embedder: LocalEmbedder, seeds: list[Paper]
) -> AsyncIterator[Callable[[], FootnoteBot]]:
    library = await Library.open(tmp_path / "data", embedder, database_url=database, chroma=ChromaServer(chroma.url))
    await library.add(seeds[:PAPERS])
    store = await Store.open(tmp_path, database)

    def make() -> FootnoteBot:
        services = make_services(Answerer(library, ExtractiveWriter()), library, store)
        return FootnoteBot(
            services, CommandsFile(tmp_path / FILE_NAME), connector=local.connector(), guild_ready_timeout=0.1
        )

    yield make
    await store.close()
    await library.close()


async def settings(moderator: Person, papers: Channel) -> str:
    used = await moderator.uses_command(papers, "settings")
    return (await used.finished()).text


async def said_soon(moderator: Person, papers: Channel) -> None:
    began = time.monotonic()
    assert MEMORY in await settings(moderator, papers)
    assert time.monotonic() - began < SENTENCE_WITHIN


async def is_back(moderator: Person, papers: Channel) -> None:
    end = time.monotonic() + BACK_WITHIN
    while MEMORY in await settings(moderator, papers):
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


async def test_an_outage_of_the_database_is_said_in_time_and_ends_by_itself(
    online: Online,
    postgres: Postgres,
    database: str,
    local: LocalDiscord,
    moderator: Person,
    papers: Channel,
    mention: str,
) -> None:
    async with online():
        await is_back(moderator, papers)

        await asyncio.sleep(1.2)  # so that no connection is fresh
        postgres.pause()
        await said_soon(moderator, papers)
        await moderator.says(papers, f"{mention} {ASKED}")
        await (await papers.wait_for_bot_message()).wait_until(lambda message: MEMORY in message.text)
        postgres.resume()
        await is_back(moderator, papers)

        postgres.kill()
        await said_soon(moderator, papers)
        postgres.start()
        await is_back(moderator, papers)

        await postgres.end_connections(database)
        await is_back(moderator, papers)

        await postgres.drop_database(database)
        await said_soon(moderator, papers)
        await postgres.make_database(database)
        await is_back(moderator, papers)


async def test_an_answer_by_words_alone_says_so(
    online: Online, chroma: Chroma, local: LocalDiscord, ada: Person, papers: Channel
) -> None:
    async def asked() -> str:
        used = await ada.uses_command(papers, "ask", question=ASKED)
        return (await (await used.finished()).wait_until(done)).text

    async with online():
        assert WORDS not in await asked()
        chroma.pause()
        assert WORDS in await asked()
        used = await ada.uses_command(papers, "search", query="objective mismatch")
        await (await used.finished()).wait_until(lambda message: WORDS in message.text)
        chroma.resume()
        end = time.monotonic() + BACK_WITHIN
        while WORDS in await asked():
            assert time.monotonic() < end
            await asyncio.sleep(0.5)
