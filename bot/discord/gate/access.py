"""The moderators' rules on who may ask where; they still work when channels or roles in them have been deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from bot.discord.ui.markdown import escape, plain
from bot.discord.ui.members import roles_of
from bot.language import say

if TYPE_CHECKING:
    from bot.store import ServerSettings


@dataclass(frozen=True, slots=True)
class AccessRules:
    """A server's rules.

    While Discord does not tell which channels and roles the server has, all those in the rules count as existing.
    """

    settings: ServerSettings
    guild: discord.Guild | None

    @property
    def is_stale(self) -> bool:
        """Whether nobody can satisfy the rules, because all the channels or all the roles that they allow are gone."""
        channels, roles = self.settings.channels, self.settings.roles
        return bool((channels and not self._channels()) or (roles and not self._roles()))

    def objection(self, channel: object, user: discord.abc.User) -> str | None:
        """Explain why somebody may not ask in a channel; None if they may."""
        where = {getattr(channel, "id", None), getattr(channel, "parent_id", None)}
        if self.settings.channels and where.isdisjoint(self.settings.channels):
            return self._only_in(self._channels())
        if self.settings.roles and roles_of(user).isdisjoint(self.settings.roles):
            return self._only_for(self._roles())
        return None

    def moderates(self, user: discord.abc.User) -> bool:
        """Check whether somebody may change the rules."""
        return isinstance(user, discord.Member) and user.guild_permissions.manage_guild

    def _only_in(self, channels: list[int]) -> str:
        if not channels:
            return say(
                "I may answer only in certain channels, and they no longer exist. A moderator can choose others with "
                "/settings."
            )
        listed = ", ".join(f"<#{channel_id}>" for channel_id in channels)
        return say("The moderators want me to answer only in {channels}.", channels=listed)

    def _only_for(self, roles: list[str]) -> str:
        if not roles:
            return say(
                "Only certain roles may ask me, and they no longer exist. A moderator can choose others with /settings."
            )
        return say("Only these roles may ask me here: {roles}.", roles=", ".join(roles))

    def _channels(self) -> list[int]:
        """List the ids of the allowed channels that still exist.

        An archived thread is not in discord.py's cache, so it counts as gone.
        """
        allowed = sorted(self.settings.channels)
        if self.guild is None or self.guild.unavailable:
            return allowed
        return [channel_id for channel_id in allowed if self.guild.get_channel_or_thread(channel_id) is not None]

    def _roles(self) -> list[str]:
        """List the allowed roles that still exist, by name where possible: in a DM a mention would show nothing."""
        allowed = sorted(self.settings.roles)
        if self.guild is None or self.guild.unavailable:
            return [f"<@&{role_id}>" for role_id in allowed]
        found = (self.guild.get_role(role_id) for role_id in allowed)
        return [f"**@{escape(plain(role.name))}**" for role in found if role is not None]
