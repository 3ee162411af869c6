"""Messages with all their versions, as people see them and in the form of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from . import plain_text
from .limits import COMPONENTS_V2, EPHEMERAL, LOADING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from .entities import Channel, User
    from .interactions import Interaction
    from .world import World

Payload = dict[str, Any]


@dataclass(frozen=True)
class Attachment:
    """An uploaded file."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    channel_id: int
    description: str | None = None

    @property
    def path(self) -> str:
        return f"/attachments/{self.channel_id}/{self.id}/{self.filename}"

    def payload(self) -> Payload:
        url = f"https://cdn.discordapp.com{self.path}"
        about = {"id": str(self.id), "filename": self.filename, "description": self.description}
        return about | {"size": len(self.data), "url": url, "proxy_url": url}


@dataclass(frozen=True)
class Version:
    """The content of a message at one time, and the mentions that notified people."""

    content: str
    embeds: list[Payload]
    components: list[Payload]
    pings: frozenset[str]
    time: float

    @property
    def text(self) -> str:
        return plain_text.words(self.content, self.embeds, self.components)


@dataclass(eq=False, repr=False)
class Message:
    """A message as people see it, with all of its earlier versions."""

    world: World
    id: int
    channel: Channel
    author: User
    versions: list[Version]
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    reply_to: Message | None = None
    replied_id: int | None = None
    viewer: User | None = None
    interaction: Interaction | None = None
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
        return await self.world.journal.until(lambda: self if condition(self) else None, text, timeout)

    def mentioned(self) -> list[User]:
        """List the users that the current version mentions."""
        known = (
            self.world.users.get(int(ping[2:-1])) for ping in sorted(self.versions[-1].pings) if ping[2:3].isdigit()
        )
        return [user for user in known if user]

    def readable_without_intent(self) -> bool:
        """Check whether the bot receives the text although Message Content is off."""
        bot = self.world.bot
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
            "edited_timestamp": self.world.clock.timestamp() if self.edits else None,
            "tts": False,
            "pinned": False,
            "flags": self.flags,
            "mention_everyone": bool(now.pings & {"@everyone", "@here"}),
            "mentions": [user.payload() for user in self.mentioned()],
            "mention_roles": [ping[3:-1] for ping in sorted(now.pings) if ping.startswith("<@&")],
            "reactions": [_reaction(emoji, users, self.world.bot) for emoji, users in self.reactions.items()],
        }
        if not redacted:
            message |= self.extra
        if self.nonce is not None:
            message["nonce"] = self.nonce
        if self.thread:
            message["thread"] = self.thread.payload()
        if self.interaction:
            message |= self.interaction.message_marks()
        if self.replied_id:
            message["message_reference"] = {
                "message_id": str(self.replied_id),
                "channel_id": str(self.channel.id),
            }
            if self.channel.guild:
                message["message_reference"]["guild_id"] = str(self.channel.guild.id)
            if nested:
                answered = self.channel.messages.get(self.replied_id)
                hidden = answered and not (self.world.message_content or answered.readable_without_intent())
                shown = answered.payload(redacted=redacted or bool(hidden), nested=False) if answered else None
                message["referenced_message"] = shown
        return message


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
