"""One visitor's view of a channel, and what has changed in it since the last update."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from local_discord.channels import DM, FORUM

from .message_html import message_html, words_of
from .scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_discord.channels import Channel, Message
    from local_discord.people import Person

Payload = dict[str, Any]
_TYPING: Final = timedelta(seconds=10)
_SUBCOMMANDS: Final = (1, 2)


@dataclass
class View:
    """One visitor's view of a channel; `changes` returns what is new."""

    viewer: Person
    channel: Channel
    dismissed: set[int] = field(default_factory=set)
    _told: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _channels: list[Payload] = field(default_factory=list)
    _typing: bool = False

    @property
    def scene(self) -> Scene:
        """The context for drawing messages."""
        return Scene(self.viewer.world, self.viewer, self.channel)

    def messages(self) -> list[Message]:
        """List the messages that the viewer sees here, oldest first, without others' ephemeral ones."""
        shown = list(self.channel.messages.values())
        for interaction in self.viewer.world.interactions.values():
            if interaction.user is self.viewer and interaction.channel is self.channel:
                shown += [message for message in interaction.messages() if message.ephemeral and not message.deleted]
        return sorted(
            (message for message in shown if message.id not in self.dismissed), key=lambda message: message.id
        )

    def changes(self) -> Payload:
        """Compute what has changed since the last call; empty if nothing has."""
        news: Payload = {}
        there = list(channel_rows(self.viewer))
        if there != self._channels:
            news["places"], self._channels = there, there
        here = {message.id: message for message in self.messages()}
        if gone := [str(known) for known in self._told if known not in here]:
            news["gone"] = gone
        changed = [message for message in here.values() if self._told.get(message.id) != _mark(message)]
        if changed:
            news["messages"] = [self._drawn(message) for message in changed]
        self._told = {number: _mark(message) for number, message in here.items()}
        if (typing := self._is_typing()) != self._typing:
            news["typing"] = self.viewer.world.bot.name if typing else ""
            self._typing = typing
        return news

    def _drawn(self, message: Message) -> Payload:
        own = message.author is self.viewer
        return {
            "id": str(message.id),
            "html": message_html(message, self.scene),
            "words": "" if own else words_of(message, self.scene),
            "text": message.content if own else "",
            "own": own,
            "ephemeral": message.ephemeral,
        }

    def _is_typing(self) -> bool:
        shown = self.channel.typing_at
        if not shown or self.viewer.world.clock.now() - shown[-1] > _TYPING.total_seconds():
            return False
        return not any(bot_message.versions[-1].time > shown[-1] for bot_message in self.channel.bot_messages)


def commands_for(viewer: Person, channel: Channel) -> list[Payload]:
    """List the slash commands that somebody is offered in a channel, each subcommand separately."""
    scene = Scene(viewer.world, viewer, channel)
    found = [one for command in viewer.commands(channel) for one in _flat(command, command["name"], scene)]
    return sorted(found, key=lambda one: str(one["name"]))


def menu_of(viewer: Person, channel: Channel) -> list[str]:
    """List the names of the commands that somebody is offered for a message."""
    return [str(command["name"]) for command in viewer.commands(channel, 3)]


def _flat(command: Payload, name: str, scene: Scene) -> Iterator[Payload]:
    options = command.get("options") or []
    inner = [option for option in options if option["type"] in _SUBCOMMANDS]
    for option in inner:
        yield from _flat(option, f"{name} {option['name']}", scene)
    if not inner:
        yield {
            "name": name,
            "description": command.get("description", ""),
            "options": [_option(option, scene) for option in options],
        }


def _option(option: Payload, scene: Scene) -> Payload:
    known = ("name", "description", "type", "required", "autocomplete", "min_value", "max_value", "max_length")
    kinds = {6: 5, 7: 8, 8: 6, 9: 7}  # command option types, and the selects that offer the same things
    choices = [{"label": choice["name"], "value": choice["value"]} for choice in option.get("choices") or []]
    if option["type"] in kinds:
        choices = [{"label": thing.label, "value": thing.value} for thing in scene.things(kinds[option["type"]])]
    return {key: option[key] for key in known if option.get(key) is not None} | {"choices": choices}


def channel_rows(viewer: Person) -> Iterator[Payload]:
    """Yield the channels of somebody's servers, each with its threads, and their DMs."""
    for guild in viewer.world.guilds.values():
        if viewer.id not in guild.members:
            continue
        channels = viewer.world.channels_in(guild)
        for channel in channels:
            if not channel.is_thread and channel.type != FORUM:
                yield _channel_row(channel, guild.name)
                yield from (_channel_row(thread, guild.name) for thread in channels if thread.parent is channel)
    yield _channel_row(viewer.dm, "Direct messages")


def _channel_row(channel: Channel, group: str) -> Payload:
    direct = channel.type == DM
    last = next(
        (message_id for message_id in reversed(channel.messages) if not channel.messages[message_id].deleted), 0
    )
    return {
        "id": str(channel.id),
        "name": channel.hub.bot.name if direct else channel.name,
        "group": group,
        "kind": "direct" if direct else "thread" if channel.is_thread else "channel",
        "parent": str(channel.parent.id) if channel.parent else "",
        "last": str(last),
    }


def _mark(message: Message) -> tuple[Any, ...]:
    """Fingerprint the state of a message."""
    thread = message.thread.name if message.thread else ""
    reactions = tuple((emoji, len(users)) for emoji, users in message.reactions.items())
    answered = message.reply_to
    return (
        len(message.versions),
        message.versions[-1].time,
        message.flags,
        thread,
        reactions,
        bool(answered and answered.deleted),
    )
