from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.gate.rate_limits import Limits, Rate
from bot.discord.services import make_services
from bot.store import Store
from tests.bot.discord.prepared import PreparedAnswers
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from retrieval.library import Library
    from tests.local_discord import Channel, Person

    Online = Callable[[], AbstractAsyncContextManager[FootnoteBot]]


@pytest.fixture
def message_content() -> bool:
    """Whether the developer portal allows Message Content and the bot asks for it; tests may override this."""
    return False


@pytest.fixture
async def local(message_content: bool) -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord(message_content=message_content) as local:
        yield local


@pytest.fixture
def papers(local: LocalDiscord) -> Channel:
    return local.guild("Lab").channel("papers")


@pytest.fixture
def ada(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Ada")


@pytest.fixture
def bob(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Bob")


@pytest.fixture
def moderator(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Mo", "manage_guild")


@pytest.fixture
def mention(local: LocalDiscord) -> str:
    return local.bot.mention


@pytest.fixture
def answers() -> PreparedAnswers:
    return PreparedAnswers()


@pytest.fixture
def bot_library(library: Library) -> Library:
    """The library that the bot answers from: an empty one, unless a test overrides this."""
    return library


@pytest.fixture
async def store(tmp_path: Path, tables_dir: Path) -> AsyncIterator[Store]:
    shutil.copy(tables_dir / "memory.db", tmp_path)
    store = await Store.open(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def burst_pause() -> timedelta:
    """How long the bot waits for more direct messages: hardly any, unless a test overrides this."""
    return timedelta(seconds=0.02)


@pytest.fixture(autouse=True)
def _short_bursts(monkeypatch: pytest.MonkeyPatch, burst_pause: timedelta) -> None:
    monkeypatch.setattr("bot.discord.gate.message_burst.PAUSE", burst_pause)


@pytest.fixture
def limits() -> Limits:
    """Limits so high that no test hits them by accident."""
    return Limits(Rate(1000, timedelta(minutes=1)), Rate(1000, timedelta(minutes=1)))


@pytest.fixture
def now() -> Callable[[], datetime]:
    """The clock of the bot's digests: the real one, unless a test overrides this."""
    return lambda: datetime.now(UTC)


@pytest.fixture
def make_bot(
    local: LocalDiscord,
    answers: PreparedAnswers,
    bot_library: Library,
    store: Store,
    limits: Limits,
    message_content: bool,
    now: Callable[[], datetime],
    tmp_path: Path,
) -> Callable[[], FootnoteBot]:
    """Make bots as `run_bot` does, but connected to the local Discord; each is one start of the program."""

    def make() -> FootnoteBot:
        return FootnoteBot(
            make_services(answers, bot_library, store, limits),
            CommandsFile(tmp_path / FILE_NAME),
            message_content=message_content,
            now=now,
            connector=local.connector(),
            guild_ready_timeout=0.1,
        )

    return make


@pytest.fixture
def online(local: LocalDiscord, make_bot: Callable[[], FootnoteBot]) -> Online:
    """Run a bot while a block lasts: `async with online() as bot`."""

    @asynccontextmanager
    async def run() -> AsyncIterator[FootnoteBot]:
        starts = local.gateway.identified
        async with make_bot() as bot:
            running = asyncio.create_task(bot.start(local.token))
            await local.ready(starts + 1)
            yield bot
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return run


@pytest.fixture
async def bot(papers: Channel, ada: Person, online: Online) -> AsyncIterator[FootnoteBot]:
    """The bot, online in a server with a channel and a member."""
    async with online() as bot:
        yield bot
