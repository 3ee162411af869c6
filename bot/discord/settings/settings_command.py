"""/settings: everything that moderators can set, in one panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.gate.availability import for_moderators
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.settings.settings_panel import (
    SettingButton,
    SettingSelect,
    panel,
    this_month,
    unheard,
)

if TYPE_CHECKING:
    from bot.discord.services import Bot


class Settings(commands.Cog):
    """Show a server's settings to its moderators."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._store = bot.services.store

    async def cog_load(self) -> None:
        """Register the panel's controls, so that panels opened before a restart work too."""
        self._bot.add_dynamic_items(SettingSelect, SettingButton)

    @app_commands.command()
    @for_moderators
    async def settings(self, interaction: discord.Interaction[Any]) -> None:
        """See and change how I work in this server."""
        assert interaction.guild_id is not None
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        settings = await self._store.servers.of(interaction.guild_id)
        listens = self._bot.intents.message_content
        spendings = await this_month(self._store, interaction.guild_id)
        warning = unheard(interaction.guild, settings)
        await admitted.target.post(panel(settings, listens=listens, spendings=spendings, warning=warning))
