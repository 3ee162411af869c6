"""FootnoteBot: the Discord client with its intents, its manners and its one cog."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.discord.ask import Ask
from bot.discord.inflight import InFlight
from bot.discord.sync import sync_if_changed

if TYPE_CHECKING:
    from bot.discord.ask import Answers
    from bot.discord.sync import CommandsFile

log = logging.getLogger(__name__)


def intents() -> discord.Intents:
    """Return what the bot needs to hear: guilds, and messages in them and in direct messages.

    None is privileged: the text of a mention and of a direct message arrives without Message Content.
    """
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True)


class FootnoteBot(commands.Bot):
    """Answer questions in Discord; further `options` are those of discord.Client."""

    def __init__(self, answers: Answers, commands_file: CommandsFile, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            **options,
        )
        self.in_flight = InFlight()
        self.syncing: asyncio.Task[None] | None = None
        self._answers = answers
        self._commands_file = commands_file

    async def setup_hook(self) -> None:
        """Add the cog, and see in the background to it that Discord knows the commands."""
        await self.add_cog(Ask(self, self._answers, self.in_flight))
        self.syncing = asyncio.create_task(sync_if_changed(self.tree, self._commands_file))
        log.info("logged in application=%s", self.application_id)

    async def on_message(self, message: discord.Message, /) -> None:
        """Do nothing: the cog reads messages, and there are no prefix commands to look for."""

    async def close(self) -> None:
        """Drop what still runs in the background and disconnect."""
        if self.syncing is not None:
            self.syncing.cancel()
        await super().close()
