"""What is known of people, and of the bot among them."""

from __future__ import annotations

from typing import Any

import discord

from bot.discord.ui.markdown import escape, plain


def roles_of(user: discord.abc.User) -> set[int]:
    """Return the ids of somebody's roles, none outside a server."""
    return {role.id for role in user.roles} if isinstance(user, discord.Member) else set()


def own_name(client: discord.Client, guild: Any) -> str:  # noqa: ANN401  # whatever holds members
    """Return what the bot is called in a server, ready to be shown; its name elsewhere, and where it is no member."""
    me = getattr(guild, "me", None) or client.user
    return escape(plain(me.display_name)) if me else "Footnote"
