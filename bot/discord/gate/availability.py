"""Where commands are offered, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from discord import app_commands

if TYPE_CHECKING:
    import discord

C = TypeVar("C")


def in_servers(command: C) -> C:
    """Offer the command only where the bot itself is a member."""
    command = app_commands.allowed_installs(guilds=True, users=False)(command)
    return app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)(command)


def for_moderators(command: C) -> C:
    """Offer the command only in servers where the bot is a member, and only to people who may manage them."""
    command = app_commands.default_permissions(manage_guild=True)(command)
    return in_servers(app_commands.checks.has_permissions(manage_guild=True)(command))


def is_moderator(permissions: discord.Permissions, guild_id: int | None) -> bool:
    """Check whether somebody with these permissions may change what the bot does in a server; in a DM nobody may."""
    return guild_id is not None and permissions.manage_guild
