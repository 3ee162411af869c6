"""The command tree: it registers the commands with Discord, and tells people their errors in their own language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.discord.gate.boundary import tell

if TYPE_CHECKING:
    from discord.abc import Snowflake

    from bot.discord.services import Bot

ANYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
BY_ANYBODY = app_commands.AppInstallationType(guild=True, user=True)


class Tree(app_commands.CommandTree["Bot"]):
    """The bot's commands; each may be used in servers, in DMs, and by people who installed the bot themselves."""

    def __init__(self, client: Bot) -> None:
        super().__init__(client, allowed_contexts=ANYWHERE, allowed_installs=BY_ANYBODY)

    async def sync(self, *, guild: Snowflake | None = None) -> list[app_commands.AppCommand]:
        """Register the commands with Discord, and remember the ids that it assigns."""
        synced = await super().sync(guild=guild)
        self.client.services.links.know(synced)
        return synced

    async def interaction_check(self, interaction: discord.Interaction[Bot], /) -> bool:
        """Set the person's language now, as an error may come before the command passes the gate."""
        try:
            await interaction.client.services.gate.set_language_for(interaction)
        except Exception as error:  # noqa: BLE001  # discord.py would only log what is raised here
            await tell(interaction, error)
            return False
        return True

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Tell in a sentence why the command failed."""
        await tell(interaction, error)
