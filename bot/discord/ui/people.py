"""What is known of people."""

from __future__ import annotations

import discord


def roles_of(user: discord.abc.User) -> set[int]:
    """Return the ids of somebody's roles, none outside a server."""
    return {role.id for role in user.roles} if isinstance(user, discord.Member) else set()
