"""Who may use a command where, and where its answer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord import app_commands

from bot.discord.reply.target import MessagePlace, server_of
from bot.discord.services import take

if TYPE_CHECKING:
    from discord.ext import commands

    from bot.discord.answers.responder import Desk
    from bot.discord.reply.target import Place

C = TypeVar("C")


def in_servers(command: C) -> C:
    """Offer the command only where the bot itself is a member."""
    command = app_commands.allowed_installs(guilds=True, users=False)(command)
    return app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)(command)


def for_moderators(command: C) -> C:
    """Offer the command only in servers, and there only to who may manage them."""
    command = app_commands.default_permissions(manage_guild=True)(command)
    return in_servers(app_commands.checks.has_permissions(manage_guild=True)(command))


def is_moderator(permissions: discord.Permissions, guild_id: int | None) -> bool:
    """Say whether somebody with these permissions may change what the bot does there."""
    return guild_id is not None and permissions.manage_guild


async def privately(interaction: discord.Interaction[Any], desk: Desk) -> bool:
    """Say whether the server wants answers to slash commands to be seen by who asked alone."""
    guild_id = server_of(interaction)
    return guild_id is not None and (await desk.store.servers.of(guild_id)).private


async def place_for(
    source: commands.Context[Any] | discord.Interaction[Any], desk: Desk, *, private: bool | None = None
) -> Place:
    """Acknowledge a command and return where its answer goes; by default it is as private as the server wants it."""
    interaction = source if isinstance(source, discord.Interaction) else source.interaction
    if interaction is None:
        assert not isinstance(source, discord.Interaction)
        return MessagePlace(source.message)
    return await take(interaction, desk, private=await privately(interaction, desk) if private is None else private)
