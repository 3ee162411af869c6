"""What a new digest has where its subscriber chooses nothing: the hour, the time zone and the language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.discord.reply.interaction_target import server_of
from bot.language import current_language, nearest
from bot.store import ServerSettings

if TYPE_CHECKING:
    import discord

    from bot.discord.digests.digest_channels import Target
    from bot.store import Store


class DigestDefaults:
    """The defaults of the person and the server behind an interaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def hour(self, interaction: discord.Interaction[Any]) -> int:
        """The hour of the server's digests."""
        return (await self._settings(interaction)).digest_hour

    async def zone(self, interaction: discord.Interaction[Any]) -> str:
        """The zone that somebody likely means: that of their latest digest, else the server's."""
        made = await self._store.subscriptions.of_owner(interaction.user.id)
        return made[-1].zone if made else (await self._settings(interaction)).digest_zone

    async def language(self, interaction: discord.Interaction[Any], target: Target) -> str:
        """The person's language for a digest in direct messages, the server's for one in its channels."""
        if target.kind == "dm":
            return current_language()
        return nearest((await self._settings(interaction)).language, str(interaction.guild_locale or ""))

    async def _settings(self, interaction: discord.Interaction[Any]) -> ServerSettings:
        guild_id = server_of(interaction)
        return ServerSettings() if guild_id is None else await self._store.servers.of(guild_id)
