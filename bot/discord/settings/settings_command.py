"""/settings: what moderators can set, all of it in one panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.gate.reach import for_moderators, place_for
from bot.discord.settings.settings_panel import (
    DigestForm,
    PrefixForm,
    SettingButton,
    SettingSelect,
    panel,
    this_month,
    unheard,
)

if TYPE_CHECKING:
    from bot.discord.services import Host


class Settings(commands.Cog):
    """Show a server's settings to its moderators."""

    def __init__(self, bot: Host) -> None:
        self._bot = bot
        self._desk = bot.desk

    async def cog_load(self) -> None:
        """Listen to the panel, also to those that were opened before a restart."""
        self._bot.add_dynamic_items(SettingSelect, SettingButton)
        self._bot.forms += [PrefixForm, DigestForm]

    @app_commands.command()
    @for_moderators
    async def settings(self, interaction: discord.Interaction[Any]) -> None:
        """See and change how I work in this server."""
        assert interaction.guild_id is not None
        place = await place_for(interaction, self._desk, private=True)
        settings = await self._desk.store.servers.of(interaction.guild_id)
        listens = self._bot.intents.message_content
        spendings = await this_month(self._desk, interaction.guild_id)
        warning = unheard(interaction.guild, settings)
        await place.post(panel(settings, listens=listens, spendings=spendings, warning=warning))
