"""The state of the local Discord, and the only way to change messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import plain_text
from .channels import DM, PRIVATE_THREAD, PUBLIC_THREAD, Channel
from .errors import ApiError, unknown_channel, unknown_message
from .guilds import EVERYONE_MAY, Role
from .hub import Hub
from .mentions import pings
from .message_parts import Attachment, Version

if TYPE_CHECKING:
    from .channels import Message
    from .guilds import Guild
    from .hub import Emit
    from .interactions import Interaction
    from .journal import Journal
    from .users import User

Payload = dict[str, Any]


class World(Hub):
    """The hub with all that is there, and the only way to change messages."""

    def __init__(self, journal: Journal, emit: Emit, *, message_content: bool) -> None:
        super().__init__(journal, emit, message_content=message_content)
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.commands: dict[int | None, list[Payload]] = {}
        self.command_syncs: list[int | None] = []
        self.interactions: dict[str, Interaction] = {}
        self.attachments: dict[str, Attachment] = {}
        self.shards = 1
        self.interaction_deadline = timedelta(seconds=3)
        self.interaction_lifetime = timedelta(minutes=15)

    def add_guild(self, guild: Guild) -> None:
        """Add a guild, with its @everyone role and the bot as a member."""
        self.guilds[guild.id] = guild
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_MAY)
        guild.members[self.bot.id] = self.bot
        self.emit("GUILD_CREATE", self.guild_payload(guild), guild=guild)

    def guild_payload(self, guild: Guild, *, all_members: bool = True) -> Payload:
        """Build a guild as GUILD_CREATE sends it, with its channels and members."""
        channels = self.channels_in(guild)
        members = guild.members.values() if all_members else [self.bot]
        return guild.payload() | {
            "channels": [channel.payload() for channel in channels if not channel.is_thread],
            "threads": [channel.payload() for channel in channels if channel.is_thread and not channel.archived],
            "members": [guild.member_payload(member) for member in members],
        }

    def channels_in(self, guild: Guild) -> list[Channel]:
        """List the channels and threads of a guild in the order of their creation."""
        return [channel for channel in self.channels.values() if channel.guild is guild]

    def add_channel(self, channel: Channel) -> Channel:
        """Add a channel."""
        self.channels[channel.id] = channel
        return channel

    def channel(self, channel_id: str | int) -> Channel:
        """Look up a channel that the bot may see, or refuse the call."""
        channel = self.channels.get(int(channel_id))
        if channel is None:
            raise unknown_channel()
        channel.demand()
        return channel

    def message(self, channel_id: str | int, message_id: str | int) -> Message:
        """Look up a message, or refuse the call."""
        message = self.channel(channel_id).messages.get(int(message_id))
        if message is None:
            raise unknown_message()
        return message

    def dm(self, user: User) -> Channel:
        """Get the DM between the bot and somebody, created if there is none."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        return self.add_channel(Channel(self, self.channels, self.clock.snowflake(), user.name, DM, recipient=user))

    def version(self, body: Payload, replied_to: User | None) -> Version:
        """Build a version of a message, with the mentions that its ``allowed_mentions`` let notify."""
        content, components = body.get("content") or "", body.get("components") or []
        for number, part in enumerate(plain_text.walk(components), start=1):
            part.setdefault("id", number)
        text = f"{content}\n{plain_text.displayed_text(components)}"
        notified = pings(text, body.get("allowed_mentions"), replied_to.id if replied_to else None)
        return Version(content, body.get("embeds") or [], components, notified, self.clock.now())

    def attach(self, channel: Channel, files: dict[str, bytes], described: list[Payload]) -> list[Attachment]:
        """Store uploaded files under the names and descriptions in the body."""
        made = []
        for number, (filename, data) in enumerate(files.items()):
            about: Payload = next((one for one in described if str(one.get("id")) == str(number)), {})
            stored = Attachment(
                self.clock.snowflake(),
                about.get("filename") or filename,
                data,
                channel.id,
                about.get("description"),
            )
            self.attachments[stored.path] = stored
            made.append(stored)
        return made

    def post(self, message: Message) -> Message:
        """Store a message and notify the clients; an ephemeral one is stored only by its interaction."""
        if not message.ephemeral:
            message.channel.messages[message.id] = message
            self.publish("MESSAGE_CREATE", message)
        self.journal.note(f"{'(ephemeral) ' if message.ephemeral else ''}{message!r}")
        return message

    def rewrite(self, message: Message, version: Version) -> Message:
        """Edit a message."""
        message.versions.append(version)
        if not message.ephemeral:
            self.publish("MESSAGE_UPDATE", message)
        self.journal.note(f"edited: {message!r}")
        return message

    def remove(self, message: Message) -> None:
        """Delete a message."""
        message.deleted = True
        if message.channel.messages.pop(message.id, None):
            where = {"id": str(message.id), "channel_id": str(message.channel.id)}
            guild = message.channel.guild
            self.emit("MESSAGE_DELETE", where | ({"guild_id": str(guild.id)} if guild else {}), guild=guild)
        self.journal.note(f"deleted: {message!r}")

    def react(self, message: Message, who: User, emoji: str, *, added: bool = True) -> None:
        """Add or remove a reaction and notify the clients."""
        users = message.reactions.setdefault(emoji, set())
        (users.add if added else users.discard)(who.id)
        guild = message.channel.guild
        data: Payload = {
            "user_id": str(who.id),
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
        }
        data |= {
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
            "message_author_id": str(message.author.id),
        }
        if guild:
            data |= {"guild_id": str(guild.id)} | ({"member": guild.member_payload(who)} if added else {})
        self.emit("MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE", data, guild=guild)
        self.journal.note(f"{who.name} {'reacted' if added else 'no longer reacts'} {emoji} to {message!r}")

    def publish(self, event: str, message: Message) -> None:
        """Send an event about a message."""
        guild = message.channel.guild
        extra: Payload = {"channel_type": message.channel.type}
        if guild:
            extra |= {
                "guild_id": str(guild.id),
                "member": guild.member_payload(message.author, with_user=False),
            }
        hidden = None if message.readable_without_intent() else message.payload(redacted=True) | extra
        self.emit(event, message.payload() | extra, guild=guild, redacted=hidden)

    def open_thread(self, parent: Channel, owner: User, body: Payload, message: Message | None = None) -> Channel:
        """Open a thread in a channel, on a message if one is given; it then has the message's id."""
        if message and message.thread:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        made = Channel(
            self,
            self.channels,
            message.id if message else self.clock.snowflake(),
            body["name"],
            PRIVATE_THREAD if body.get("type") == PRIVATE_THREAD else PUBLIC_THREAD,
            parent.guild,
            parent=parent,
            owner=owner,
            auto_archive_duration=body.get("auto_archive_duration") or 1440,
        )
        if message:
            message.thread = made
        self.add_channel(made)
        self.emit("THREAD_CREATE", made.payload() | {"newly_created": True}, guild=parent.guild)
        self.journal.note(f"{owner.name} opened the thread {made!r}")
        return made
