"""Channels and the messages in them, as people see them and in the form of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from . import plain_text
from .errors import ApiError, missing_access, missing_permissions
from .guilds import EVERYONE_MAY
from .limits import COMPONENTS_V2, EPHEMERAL, LOADING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from .guilds import Guild
    from .hub import Hub
    from .message_parts import Attachment, InteractionMetadata, Version
    from .users import User

Payload = dict[str, Any]

TEXT, DM, NEWS, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 5, 11, 12, 15
REQUIRE_TAG = 1 << 4


@dataclass(eq=False, repr=False)
class Channel:
    """A text channel, a thread or a DM; ``registry`` has all that there are, by id."""

    hub: Hub
    registry: dict[int, Channel]
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
        return [message for message in self.messages.values() if message.author is self.hub.bot]

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
        own = self.guild.permissions_of(self.hub.bot) if self.guild else EVERYONE_MAY
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
        self.hub.emit("THREAD_UPDATE", self.payload(), guild=self.guild)

    def reopen(self) -> None:
        """Unarchive this thread."""
        self.archived = False
        self.hub.emit("THREAD_UPDATE", self.payload(), guild=self.guild)

    def delete(self) -> None:
        """Delete this channel or thread."""
        del self.registry[self.id]
        self.hub.emit("THREAD_DELETE" if self.is_thread else "CHANNEL_DELETE", self.payload(), guild=self.guild)

    async def wait_for_bot_message(
        self,
        matching: Callable[[Message], bool] = lambda _: True,
        timeout: timedelta | None = None,  # noqa: ASYNC109
    ) -> Message:
        """Wait for the next message of the bot here that was not returned before."""

        def find() -> Message | None:
            fresh = (one for one in self.bot_messages if one.id not in self._taken and matching(one))
            return next(fresh, None)

        message = await self.hub.journal.until(find, f"a message of the bot in {self!r}", timeout)
        self._taken.add(message.id)
        return message

    async def wait_for_thread(self, timeout: timedelta | None = None) -> Channel:  # noqa: ASYNC109
        """Wait for the first thread in this channel."""
        threads = lambda: next((one for one in self.registry.values() if one.parent is self), None)  # noqa: E731
        return await self.hub.journal.until(threads, f"a thread in {self!r}", timeout)

    def payload(self) -> Payload:
        channel: Payload = {"id": str(self.id), "type": self.type, "last_message_id": None, "flags": 0}
        if self.recipient:
            return channel | {"recipients": [self.recipient.payload()]}
        assert self.guild
        channel |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        channel["permissions"] = str(self.bot_permissions())
        return channel | (self._thread_fields() if self.is_thread else self._fields())

    def _fields(self) -> Payload:
        """Build what a channel has that is no thread."""
        changed = {
            "id": str(self.hub.bot.id),
            "type": 1,
            "allow": str(self._granted),
            "deny": str(self._denied),
        }
        fields: Payload = {
            "position": 0,
            "nsfw": False,
            "parent_id": None,
            "topic": None,
            "permission_overwrites": [changed] if self._granted | self._denied else [],
        }
        if self.type == FORUM:
            fields |= {"flags": REQUIRE_TAG * self.requires_tag, "available_tags": self._tags()}
        return fields

    def _thread_fields(self) -> Payload:
        assert self.parent
        assert self.owner
        return {
            "parent_id": str(self.parent.id),
            "owner_id": str(self.owner.id),
            "message_count": len(self.messages),
            "member_count": 1,
            "total_message_sent": len(self.messages),
            "thread_metadata": {
                "archive_timestamp": self.hub.clock.timestamp(),
                "create_timestamp": self.hub.clock.timestamp(),
                "archived": self.archived,
                "locked": self.locked,
                "auto_archive_duration": self.auto_archive_duration,
            },
        }

    def _tags(self) -> list[Payload]:
        """Build a forum's tags; ``tags`` has their names and whether only moderators may set them."""
        return [
            {"id": str(self.id + number), "name": name, "moderated": moderated, "emoji_id": None, "emoji_name": None}
            for number, (name, moderated) in enumerate(self.tags, start=1)
        ]

    def changed(self) -> None:
        """Send the clients this channel's new state."""
        self.hub.emit("CHANNEL_UPDATE", self.payload(), guild=self.guild)

    def _overwrite(self, *permissions: str, granted: bool) -> None:
        bits = discord.Permissions(**dict.fromkeys(permissions, True)).value
        self._granted = self._granted | bits if granted else self._granted & ~bits
        self._denied = self._denied & ~bits if granted else self._denied | bits
        self.hub.emit("CHANNEL_UPDATE", self.payload(), guild=self.guild)


@dataclass(eq=False, repr=False)
class Message:
    """A message as people see it, with all of its earlier versions."""

    hub: Hub
    id: int
    channel: Channel
    author: User
    versions: list[Version]
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    reply_to: Message | None = None
    replied_id: int | None = None
    viewer: User | None = None
    interaction: InteractionMetadata | None = None
    thread: Channel | None = None
    reactions: dict[str, set[int]] = field(default_factory=dict)
    nonce: str | None = None
    deleted: bool = False
    delivered: bool = False
    extra: Payload = field(default_factory=dict)

    @property
    def content(self) -> str:
        return self.versions[-1].content

    @property
    def embeds(self) -> list[Payload]:
        return self.versions[-1].embeds

    @property
    def components(self) -> list[Payload]:
        return self.versions[-1].components

    @property
    def edits(self) -> list[Version]:
        """Its earlier versions, oldest first."""
        return self.versions[:-1]

    @property
    def text(self) -> str:
        """Everything readable in it: content, embeds, texts, labels, options."""
        return self.versions[-1].text

    @property
    def links(self) -> list[str]:
        """Every link in its texts, embeds and buttons."""
        return plain_text.links(self.content, self.embeds, self.components)

    @property
    def pings(self) -> frozenset[str]:
        """Every mention that notified, or after an edit would have notified, somebody in any version."""
        return frozenset[str]().union(*(version.pings for version in self.versions))

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether people see "is thinking…" in its place."""
        return bool(self.flags & LOADING)

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & COMPONENTS_V2)

    @property
    def jump_url(self) -> str:
        guild_id = self.channel.guild.id if self.channel.guild else "@me"
        return f"https://discord.com/channels/{guild_id}/{self.channel.id}/{self.id}"

    def __repr__(self) -> str:
        return f"<{self.author.name} in {self.channel!r}: {self.text[:120]!r}>"

    def parts(self) -> Iterator[Payload]:
        """Yield every component, including nested ones."""
        return plain_text.walk(self.components)

    async def wait_until(
        self,
        condition: Callable[[Message], bool],
        what: str = "the awaited edit",
        timeout: timedelta | None = None,  # noqa: ASYNC109
    ) -> Message:
        """Wait until an edit makes the condition true."""
        text = f"{what} of a message that now is {self!r}"
        return await self.hub.journal.until(lambda: self if condition(self) else None, text, timeout)

    def mentioned(self) -> list[User]:
        """List the users that the current version mentions."""
        known = (self.hub.users.get(int(ping[2:-1])) for ping in sorted(self.versions[-1].pings) if ping[2:3].isdigit())
        return [user for user in known if user]

    def readable_without_intent(self) -> bool:
        """Check whether the bot receives the text although Message Content is off."""
        bot = self.hub.bot
        return self.author is bot or self.channel.guild is None or bot in self.mentioned()

    def payload(self, *, redacted: bool = False, nested: bool = True) -> Payload:
        """Build the message in the API's form, without its content if redacted."""
        now, stamp = self.versions[-1], discord.utils.snowflake_time(self.id).isoformat()
        message: Payload = {
            "id": str(self.id),
            "type": 19 if self.replied_id else 20 if self.interaction else 0,
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": "" if redacted else now.content,
            "embeds": [] if redacted else now.embeds,
            "components": [] if redacted else now.components,
            "attachments": [] if redacted else [attachment.payload() for attachment in self.attachments],
            "timestamp": stamp,
            "edited_timestamp": self.hub.clock.timestamp() if self.edits else None,
            "tts": False,
            "pinned": False,
            "flags": self.flags,
            "mention_everyone": bool(now.pings & {"@everyone", "@here"}),
            "mentions": [user.payload() for user in self.mentioned()],
            "mention_roles": [ping[3:-1] for ping in sorted(now.pings) if ping.startswith("<@&")],
            "reactions": [_reaction(emoji, users, self.hub.bot) for emoji, users in self.reactions.items()],
        }
        if not redacted:
            message |= self.extra
        if self.nonce is not None:
            message["nonce"] = self.nonce
        if self.thread:
            message["thread"] = self.thread.payload()
        if self.interaction:
            application = str(self.hub.application_id)
            message |= {"application_id": application, "webhook_id": application}
            message["interaction_metadata"] = self.interaction.payload()
        if self.replied_id:
            message["message_reference"] = {"message_id": str(self.replied_id), "channel_id": str(self.channel.id)}
            if self.channel.guild:
                message["message_reference"]["guild_id"] = str(self.channel.guild.id)
            if nested:
                message["referenced_message"] = self._answered(self.replied_id, redacted=redacted)
        return message

    def _answered(self, replied_id: int, *, redacted: bool) -> Payload | None:
        """Build the message that this one replies to, None if it is deleted."""
        answered = self.channel.messages.get(replied_id)
        if answered is None:
            return None
        hidden = not (self.hub.message_content or answered.readable_without_intent())
        return answered.payload(redacted=redacted or hidden, nested=False)


def _reaction(emoji: str, users: set[int], bot: User) -> Payload:
    details = {"burst": 0, "normal": len(users)}
    kinds = {
        "me": bot.id in users,
        "me_burst": False,
        "burst_count": 0,
        "burst_colors": [],
        "count_details": details,
    }
    return kinds | {"emoji": {"id": None, "name": emoji}, "count": len(users)}
