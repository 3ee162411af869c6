"""Guilds with their roles and members, and who may do what there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from .hub import Hub
    from .users import User

Payload = dict[str, Any]

EVERYONE_MAY = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    create_private_threads=True,
    embed_links=True,
    attach_files=True,
    add_reactions=True,
    read_message_history=True,
    mention_everyone=True,
    use_application_commands=True,
).value


@dataclass(eq=False)
class Role:
    """A role of a guild; the one with the guild's own id is @everyone."""

    id: int
    name: str
    permissions: int
    bot_id: int | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"

    def payload(self) -> Payload:
        look = {
            "color": 0,
            "colors": {"primary_color": 0},
            "hoist": False,
            "position": 1,
            "mentionable": True,
        }
        return look | {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "managed": self.bot_id is not None,
            "tags": {} if self.bot_id is None else {"bot_id": str(self.bot_id)},
            "flags": 0,
        }


@dataclass(eq=False, repr=False)
class Guild:
    """A guild, which people call a server."""

    hub: Hub
    id: int
    name: str
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, User] = field(default_factory=dict)
    member_roles: dict[int, list[Role]] = field(default_factory=dict)
    nicks: dict[int, str] = field(default_factory=dict)
    has_bot: bool = True
    unavailable: bool = False
    locale: str = "en-US"

    def role(self, name: str, permissions: int = 0, *, of_bot: bool = False) -> Role:
        """Create a role; with ``of_bot``, the role that Discord creates for the bot."""
        made = Role(self.hub.clock.snowflake(), name, permissions, self.hub.bot.id if of_bot else None)
        self.roles[made.id] = made
        self.hub.emit("GUILD_ROLE_CREATE", {"guild_id": str(self.id), "role": made.payload()}, guild=self)
        return made

    def join(self, user: User, *permissions: str) -> None:
        """Add a member; permissions beyond everyone's come with a role of their own."""
        self.members[user.id] = user
        if permissions:
            bits = discord.Permissions(**dict.fromkeys(permissions, True)).value
            self.member_roles[user.id] = [self.role(f"role of {user.name}", bits)]
        self.hub.emit("GUILD_MEMBER_ADD", self.member_payload(user) | {"guild_id": str(self.id)}, guild=self)

    def permissions_of(self, user: User) -> int:
        """Compute the permission bits that somebody has in the whole guild."""
        bits = self.roles[self.id].permissions
        for role in self.member_roles.get(user.id, []):
            bits |= role.permissions
        return discord.Permissions.all().value if bits & discord.Permissions(administrator=True).value else bits

    def allow_everyone(self, **permissions: bool) -> None:
        """Change everybody's permissions in the whole guild."""
        role = self.roles[self.id]
        now = discord.Permissions(role.permissions)
        now.update(**permissions)
        role.permissions = now.value
        self.hub.emit("GUILD_ROLE_UPDATE", {"guild_id": str(self.id), "role": role.payload()}, guild=self)

    def removes_bot(self) -> None:
        """Kick the bot out."""
        self.hub.emit("GUILD_DELETE", {"id": str(self.id)}, guild=self)
        self.has_bot = False

    def member_payload(self, user: User, *, with_user: bool = True) -> Payload:
        roles = [str(role.id) for role in self.member_roles.get(user.id, [])]
        member = {
            "roles": roles,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
        }
        member |= {
            "nick": self.nicks.get(user.id),
            "avatar": None,
            "pending": False,
            "communication_disabled_until": None,
        }
        return member | ({"user": user.payload()} if with_user else {})

    def payload(self) -> Payload:
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.id + 1),
            "member_count": len(self.members),
            "large": False,
            "unavailable": False,
            "preferred_locale": self.locale,
            "features": [],
            "emojis": [],
            "stickers": [],
            "voice_states": [],
            "presences": [],
            "roles": [role.payload() for role in self.roles.values()],
        }
