"""The tree of commands: what is asked of every command before it runs, and what is said when it fails."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.discord.boundary import RefusedError, tell
from bot.discord.host import language_of
from bot.discord.places import server_of
from bot.language import speak

if TYPE_CHECKING:
    from bot.discord.host import Host

ANYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
# What a person is told alone disturbs no channel, and no setting may lock a moderator out.
ANYWHERE_IN_A_SERVER = frozenset({"help", "about", "privacy", "settings", "digest"})
BY_ANYBODY = app_commands.AppInstallationType(guild=True, user=True)


class Tree(app_commands.CommandTree["Host"]):
    """Hold the commands; each may be used in servers, in direct messages, and by whoever installed the bot."""

    def __init__(self, client: Host) -> None:
        super().__init__(client, allowed_contexts=ANYWHERE, allowed_installs=BY_ANYBODY)

    async def interaction_check(self, interaction: discord.Interaction[Host], /) -> bool:
        """Speak the person's language, and stop what is repeated, not allowed here or too much."""
        try:
            return await self._check(interaction)
        except Exception as error:  # noqa: BLE001  # discord.py would only log what is raised here
            await tell(interaction, error)
            return False

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Say in a sentence why the command failed."""
        await tell(interaction, error)

    async def _check(self, interaction: discord.Interaction[Host]) -> bool:
        desk = interaction.client.desk
        speak(await language_of(interaction, desk))
        if interaction.type is discord.InteractionType.autocomplete:
            return True
        if not desk.begin(interaction.id, partial(tell, interaction)):
            return False
        server = server_of(interaction)
        command = interaction.command
        if command is not None and command.qualified_name.partition(" ")[0] in ANYWHERE_IN_A_SERVER:
            desk.slow_down(desk.clicks, interaction.user.id)
            return True
        objection = await desk.objection(server, interaction.channel, interaction.user)
        objection = objection or desk.impatience(interaction.user.id, server)
        if objection:
            raise RefusedError(objection)
        return True
