"""Roles of people, and the bot's own name."""

from __future__ import annotations

from typing import Any

import discord

from bot.discord.ui.markdown import escape, plain


def roles_of(user: discord.abc.User) -> set[int]:
    """Collect the ids of somebody's roles; empty outside a server."""
    return {role.id for role in user.roles} if isinstance(user, discord.Member) else set()


def own_name(client: discord.Client, guild: Any) -> str:  # noqa: ANN401  # whatever holds members
    """Get the bot's name in a server, escaped; elsewhere, or if it is not a member there, its account's name."""
    me = getattr(guild, "me", None) or client.user
    return escape(plain(me.display_name)) if me else "Footnote"
