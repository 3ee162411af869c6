from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local_discord import LocalDiscord

from bot.discord.client import FootnoteBot
from bot.discord.sync import FILE_NAME, CommandsFile
from tests.bot.discord.prepared import PreparedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
def answers() -> PreparedAnswers:
    return PreparedAnswers()


@pytest.fixture
def make_bot(local: LocalDiscord, answers: PreparedAnswers, tmp_path: Path) -> Callable[[], FootnoteBot]:
    """Make the bot as `run_bot` does, but with the way to the local Discord."""

    def make() -> FootnoteBot:
        file = CommandsFile(tmp_path / FILE_NAME)
        return FootnoteBot(answers, file, connector=local.connector(), guild_ready_timeout=0.1)

    return make
