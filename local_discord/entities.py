"""The people and channels of a Discord: users, roles, guilds, channels and threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from .errors import ApiError, missing_access, missing_permissions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from .messages import Message
    from .world import World

Payload = dict[str, Any]

TEXT, DM, NEWS, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 5, 11, 12, 15
REQUIRE_TAG = 1 << 4
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
class User:
    """An account of a person or a bot."""

    world: World = field(repr=False)
    id: int
    name: str
    bot: bool = False
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> Payload:
        user = {"id": str(self.id), "username": self.name, "discriminator": "0", "global_name": self.name}
        return user | {"avatar": None, "bot": self.bot, "public_flags": 0}


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

    world: World
    id: int
    name: str
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, User] = field(default_factory=dict)
    member_roles: dict[int, list[Role]] = field(default_factory=dict)
    nicks: dict[int, str] = field(default_factory=dict)
    has_bot: bool = True
    unavailable: bool = False
    locale: str = "en-US"

    def channel(self, name: str) -> Channel:
        """Get the text channel with this name, created if there is none."""
        return self._channel(name, TEXT)

    def announcements(self, name: str) -> Channel:
        """Get the announcement channel with this name, created if there is none."""
        return self._channel(name, NEWS)

    def forum(self, name: str) -> Channel:
        """Get the forum with this name, created if there is none."""
        return self._channel(name, FORUM)

    def _channel(self, name: str, kind: int) -> Channel:
        for known in self.channels():
            if known.name == name and not known.is_thread:
                return known
        made = self.world.add_channel(Channel(self.world, self.world.clock.snowflake(), name, kind, self))
        self.world.emit("CHANNEL_CREATE", made.payload(), guild=self)
        return made

    def channels(self) -> list[Channel]:
        """List the channels and threads in the order of their creation."""
        return [channel for channel in self.world.channels.values() if channel.guild is self]

    def role(self, name: str, permissions: int = 0, *, of_bot: bool = False) -> Role:
        """Create a role; with ``of_bot``, the role that Discord creates for the bot."""
        made = Role(self.world.clock.snowflake(), name, permissions, self.world.bot.id if of_bot else None)
        self.roles[made.id] = made
        self.world.emit("GUILD_ROLE_CREATE", {"guild_id": str(self.id), "role": made.payload()}, guild=self)
        return made

    def join(self, user: User, *permissions: str) -> None:
        """Add a member; permissions beyond everyone's come with a role of their own."""
        self.members[user.id] = user
        if permissions:
            bits = discord.Permissions(**dict.fromkeys(permissions, True)).value
            self.member_roles[user.id] = [self.role(f"role of {user.name}", bits)]
        self.world.emit("GUILD_MEMBER_ADD", self.member_payload(user) | {"guild_id": str(self.id)}, guild=self)

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
        self.world.emit("GUILD_ROLE_UPDATE", {"guild_id": str(self.id), "role": role.payload()}, guild=self)

    def removes_bot(self) -> None:
        """Kick the bot out."""
        self.world.emit("GUILD_DELETE", {"id": str(self.id)}, guild=self)
        self.has_bot = False

    def comes_back(self) -> None:
        """End an outage of this guild, which ``unavailable`` started before the client connected."""
        self.unavailable = False
        self.world.emit("GUILD_CREATE", self.payload(), guild=self)

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

    def payload(self, *, all_members: bool = True) -> Payload:
        """Build the guild as GUILD_CREATE sends it."""
        members = self.members.values() if all_members else [self.world.bot]
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
            "channels": [one.payload() for one in self.channels() if not one.is_thread],
            "threads": [one.payload() for one in self.channels() if one.is_thread and not one.archived],
            "members": [self.member_payload(member) for member in members],
        }


@dataclass(eq=False, repr=False)
class Channel:
    """A text channel, a thread or a DM."""

    world: World
    id: int
    name: str
    type: int
    guild: Guild | None = None
    recipient: User | None = None
    parent: Channel | None = None
    owner: User | None = None
    archived: bool = False
    locked: bool = False
    auto_archive_duration: int = 1440
    messages: dict[int, Message] = field(default_factory=dict)
    typing_shown: int = 0
    typing_at: list[float] = field(default_factory=list)
    tags: list[tuple[str, bool]] = field(default_factory=list)
    requires_tag: bool = False
    _denied: int = 0
    _granted: int = 0
    _taken: set[int] = field(default_factory=set)

    @property
    def is_thread(self) -> bool:
        return self.type in (PUBLIC_THREAD, PRIVATE_THREAD)

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def bot_messages(self) -> list[Message]:
        """The bot's messages here that are not deleted; ephemeral ones are with their interactions."""
        return [message for message in self.messages.values() if message.author is self.world.bot]

    def __repr__(self) -> str:
        return f"DM with {self.recipient.name}" if self.recipient else f"#{self.name}"

    def deny(self, *permissions: str) -> None:
        """Take permissions from the bot in this channel."""
        self._overwrite(*permissions, granted=False)

    def grant(self, *permissions: str) -> None:
        """Give the bot permissions in this channel."""
        self._overwrite(*permissions, granted=True)

    def bot_permissions(self) -> int:
        """Compute the bot's permission bits here."""
        if self.parent:
            return self.parent.bot_permissions()
        own = self.guild.permissions_of(self.world.bot) if self.guild else EVERYONE_MAY
        return (own | self._granted) & ~self._denied

    def demand(self, *permissions: str) -> None:
        """Refuse the call if the bot lacks one of these here."""
        has = discord.Permissions(self.bot_permissions())
        if self.guild and not (self.guild.has_bot and has.view_channel):
            raise missing_access()
        if not all(getattr(has, permission) for permission in permissions):
            raise missing_permissions()

    def demand_open(self) -> None:
        """Refuse the call if this is an archived thread."""
        if self.archived:
            raise ApiError(400, 50083, "Thread is archived")

    def archive(self, *, locked: bool = False) -> None:
        """Archive this thread; a locked one does not reopen by itself when somebody posts."""
        self.archived, self.locked = True, locked
        self.world.emit("THREAD_UPDATE", self.payload(), guild=self.guild)

    def reopen(self) -> None:
        """Unarchive this thread."""
        self.archived = False
        self.world.emit("THREAD_UPDATE", self.payload(), guild=self.guild)

    def delete(self) -> None:
        """Delete this channel or thread."""
        del self.world.channels[self.id]
        self.world.emit("THREAD_DELETE" if self.is_thread else "CHANNEL_DELETE", self.payload(), guild=self.guild)

    async def wait_for_bot_message(
        self,
        matching: Callable[[Message], bool] = lambda _: True,
        timeout: timedelta | None = None,  # noqa: ASYNC109
    ) -> Message:
        """Wait for the next message of the bot here that was not returned before."""

        def find() -> Message | None:
            fresh = (one for one in self.bot_messages if one.id not in self._taken and matching(one))
            return next(fresh, None)

        message = await self.world.journal.until(find, f"a message of the bot in {self!r}", timeout)
        self._taken.add(message.id)
        return message

    async def wait_for_thread(self, timeout: timedelta | None = None) -> Channel:  # noqa: ASYNC109
        """Wait for the first thread in this channel."""
        threads = lambda: next((one for one in self.world.channels.values() if one.parent is self), None)  # noqa: E731
        return await self.world.journal.until(threads, f"a thread in {self!r}", timeout)

    def payload(self) -> Payload:
        channel: Payload = {"id": str(self.id), "type": self.type, "last_message_id": None, "flags": 0}
        if self.recipient:
            return channel | {"recipients": [self.recipient.payload()]}
        assert self.guild
        channel |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        channel["permissions"] = str(self.bot_permissions())
        if not self.is_thread:
            changed = {
                "id": str(self.world.bot.id),
                "type": 1,
                "allow": str(self._granted),
                "deny": str(self._denied),
            }
            overwrites = [changed] if self._granted | self._denied else []
            if self.type == FORUM:
                channel |= {"flags": REQUIRE_TAG * self.requires_tag, "available_tags": self._tags()}
            return channel | {
                "position": 0,
                "nsfw": False,
                "parent_id": None,
                "topic": None,
                "permission_overwrites": overwrites,
            }
        assert self.parent
        assert self.owner
        stamps = {
            "archive_timestamp": self.world.clock.timestamp(),
            "create_timestamp": self.world.clock.timestamp(),
        }
        states = {
            "archived": self.archived,
            "locked": self.locked,
            "auto_archive_duration": self.auto_archive_duration,
        }
        counts = {
            "message_count": len(self.messages),
            "member_count": 1,
            "total_message_sent": len(self.messages),
        }
        ids = {"parent_id": str(self.parent.id), "owner_id": str(self.owner.id)}
        return channel | ids | counts | {"thread_metadata": stamps | states}

    def _tags(self) -> list[Payload]:
        """Build a forum's tags; ``tags`` has their names and whether only moderators may set them."""
        return [
            {"id": str(self.id + number), "name": name, "moderated": moderated, "emoji_id": None, "emoji_name": None}
            for number, (name, moderated) in enumerate(self.tags, start=1)
        ]

    def changed(self) -> None:
        """Send the clients this channel's new state."""
        self.world.emit("CHANNEL_UPDATE", self.payload(), guild=self.guild)

    def _overwrite(self, *permissions: str, granted: bool) -> None:
        bits = discord.Permissions(**dict.fromkeys(permissions, True)).value
        self._granted = self._granted | bits if granted else self._granted & ~bits
        self._denied = self._denied & ~bits if granted else self._denied | bits
        self.world.emit("CHANNEL_UPDATE", self.payload(), guild=self.guild)
