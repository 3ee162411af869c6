"""People and what they do: post, click, choose, use commands, fill in forms."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from .components import ACTION_ROW, BUTTON, LABEL, LINK_STYLE, SELECTS, TEXT_INPUT
from .entities import Role, User
from .errors import ImpossibleError, demand
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from .message_parts import Attachment
from .messages import Message

if TYPE_CHECKING:
    from .entities import Channel
    from .gateway import Gateway

Payload = dict[str, Any]
SUBCOMMANDS = (1, 2)
CONVERT = {3: str, 4: int, 5: bool, 10: float}
USER_COMMAND, MESSAGE_COMMAND = 2, 3


@dataclass(eq=False)
class Person(User):
    """A person at a Discord client, who can do only what that client allows."""

    gateway: Gateway = field(kw_only=True, repr=False)
    locale: str = field(default="en-US", kw_only=True)

    @property
    def dm(self) -> Channel:
        """The DM between this person and the bot."""
        return self.world.dm(self)

    async def says(
        self,
        channel: Channel,
        text: str,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        files: dict[str, bytes] | None = None,
        extra: Payload | None = None,
    ) -> Message:
        """Post a message, as a reply if ``reply_to`` is given; ``ping`` is the switch next to the reply.

        ``extra`` has fields in the API's form: ``embeds``, ``sticker_items``, ``poll``, ``flags``.
        """
        if channel.archived:
            channel.reopen()
        body = {
            "content": text,
            "allowed_mentions": {"parse": ["users", "roles", "everyone"], "replied_user": ping},
        }
        version = self.world.version(body, reply_to.author if reply_to else None)
        made = Message(self.world, self.world.clock.snowflake(), channel, self, [version], reply_to=reply_to)
        made.attachments = self.world.attach(channel, files or {}, [])
        made.replied_id = reply_to.id if reply_to else None
        made.extra = extra or {}
        return self.world.post(made)

    async def dms(self, text: str) -> Message:
        """Send the bot a direct message."""
        return await self.says(self.dm, text)

    async def forwards(self, message: Message, channel: Channel) -> Message:
        """Forward a message into a channel; a forward has no text of its own."""
        whole = message.payload(nested=False)
        snapshot = {key: whole[key] for key in ("type", "content", "embeds", "attachments", "timestamp", "flags")}
        reference = {"type": 1, "message_id": str(message.id), "channel_id": str(message.channel.id)}
        snapshot["edited_timestamp"] = None
        extra = {"message_reference": reference, "message_snapshots": [{"message": snapshot}]}
        return await self.says(channel, "", extra=extra)

    async def edits(self, message: Message, text: str) -> Message:
        """Edit one's own message."""
        demand(message.author is self, f"{self.name} cannot edit {message!r}")
        return self.world.rewrite(message, self.world.version({"content": text}, None))

    async def deletes(self, message: Message) -> None:
        """Delete a message."""
        self.world.remove(message)

    async def reacts(self, message: Message, emoji: str) -> None:
        """Put a reaction under a message."""
        await self._sees(message)
        self.world.react(message, self, emoji)

    async def opens_thread(self, channel: Channel, name: str, message: Message | None = None) -> Channel:
        """Open a thread in a channel, on a message if one is given."""
        return self.world.open_thread(channel, self, {"name": name}, message)

    async def uses_command(self, channel: Channel, command: str, **options: object) -> Interaction:
        """Use a slash command; subcommands follow after spaces, as in ``"digest add"``."""
        return await self._command(channel, command, options, None)

    async def autocompletes(self, channel: Channel, command: str, **options: object) -> list[Payload]:
        """Type into a slash command and return the bot's choices for the last of the options."""
        interaction = await self._command(channel, command, options, list(options)[-1])
        return (await interaction.response()).choices

    async def uses_context_menu(
        self, target: Message | User, command: str, channel: Channel | None = None
    ) -> Interaction:
        """Use an app command from the menu of a message, or of a user in a channel."""
        where = target.channel if isinstance(target, Message) else channel
        if where is None:
            raise ImpossibleError("A user's menu opens in a channel: pass it")
        kind = MESSAGE_COMMAND if isinstance(target, Message) else USER_COMMAND
        definition = await self._definition(where, command, kind)
        if isinstance(target, Message):
            await self._sees(target)
            resolved: Payload = {"messages": {str(target.id): target.payload()}}
        else:
            resolved = self._resolved(where, [target])
        data = _command_data(definition) | {"target_id": str(target.id), "resolved": resolved}
        return self._interact(COMMAND, where, data, command)

    async def clicks(self, message: Message, button: str) -> Interaction:
        """Click the button with this label or custom_id."""
        await self._sees(message)
        part = _part(message, button, (BUTTON,))
        demand(part["style"] != LINK_STYLE, f"{button!r} is a link to {part.get('url')}")
        data = {"custom_id": part["custom_id"], "component_type": BUTTON, "id": part["id"]}
        return self._interact(COMPONENT, message.channel, data, button, message)

    async def chooses(self, message: Message, select: str, *picks: str | User | Role | Channel) -> Interaction:
        """Choose from the select with this placeholder or custom_id, by label or value."""
        await self._sees(message)
        part = _part(message, select, SELECTS)
        data = {"custom_id": part["custom_id"], "component_type": part["type"], "id": part["id"]}
        data["values"] = _values(part, picks)
        things = [pick for pick in picks if not isinstance(pick, str)]
        if things:
            data["resolved"] = self._resolved(message.channel, things)
        return self._interact(COMPONENT, message.channel, data, select, message)

    async def picks(self, message: Message, control: str) -> Interaction:
        """Click the button, or choose the select option, with this label; buttons also by custom_id."""
        for part in message.parts():
            if any(option["label"] == control for option in part.get("options") or []):
                return await self.chooses(message, part["custom_id"], control)
        return await self.clicks(message, control)

    async def submits(self, interaction: Interaction, answers: dict[str, Any]) -> Interaction:
        """Fill in the modal that an interaction opened, by label or custom_id, and submit it."""
        modal = (await interaction.response()).modal
        if modal is None:
            raise ImpossibleError(f"{interaction!r} opened no modal but answered with {interaction.kind}")
        left = dict(answers)
        filled = [_filled(part, left) for part in modal["components"]]
        demand(not left, f"The modal has no field {list(left)}: {modal}")
        data = {"custom_id": modal["custom_id"], "components": filled}
        await self.gateway.taken_in()
        return self._interact(MODAL_SUBMIT, interaction.channel, data, modal["title"], interaction.message)

    async def _sees(self, message: Message) -> None:
        demand(message.viewer in (None, self), f"Only {message.viewer} sees {message!r}")
        demand(not message.deleted, f"{message!r} is deleted")
        if message.author is self.world.bot:
            # The bot knows its own message only once it has read the response to the call that created it.
            await self.world.journal.until(lambda: message.delivered, f"the reply that tells the bot of {message!r}")
            await self.gateway.taken_in()

    async def _command(self, channel: Channel, command: str, options: dict[str, Any], focus: str | None) -> Interaction:
        name, *path = command.split()
        definition = await self._definition(channel, name, 1)
        # A file is given by its name and content.
        options = {
            key: self.world.attach(channel, it, [])[0] if isinstance(it, dict) else it for key, it in options.items()
        }
        data = _command_data(definition) | {"options": _options(definition, path, options, focus)}
        data["resolved"] = self._resolved(channel, list(options.values()))
        return self._interact(AUTOCOMPLETE if focus else COMMAND, channel, data, f"/{command}")

    async def _definition(self, channel: Channel, name: str, kind: int) -> Payload:
        """Wait for a command to be registered; fail if this person's client would not show it."""
        commands, scopes = self.world.commands, [channel.guild.id if channel.guild else None, None]

        def find() -> Payload | None:
            known = [one for scope in scopes for one in commands.get(scope, [])]
            return next((one for one in known if (one["name"], one["type"]) == (name, kind)), None)

        found = await self.world.journal.until(find, f"the command {name!r} (type {kind}) to be registered")
        self._demand_shown(found, channel)
        return found

    def commands(self, channel: Channel, kind: int = 1) -> list[Payload]:
        """List the commands that this person's client shows in a channel: slash commands, or those of a menu."""
        shown = []
        for scope in (channel.guild.id if channel.guild else None, None):
            for one in self.world.commands.get(scope, []):
                with contextlib.suppress(ImpossibleError):
                    self._demand_shown(one, channel)
                    shown += [one] * (one["type"] == kind)
        return shown

    def _demand_shown(self, found: Payload, channel: Channel) -> None:
        name = found["name"]
        needed = discord.Permissions(int(found.get("default_member_permissions") or 0))
        if channel.guild:
            has = discord.Permissions(channel.guild.permissions_of(self))
            demand(needed <= has, f"{self.name} does not see {name!r}: it needs {[key for key, on in needed if on]}")
        contexts = found.get("contexts")
        context = 0 if channel.guild else 1
        demand(contexts is None or context in contexts, f"{name!r} is not shown in {channel!r}")
        demand(found.get("dm_permission") is not False or channel.guild, f"{name!r} is not shown in {channel!r}")

    def _resolved(self, channel: Channel, things: list[Any]) -> Payload:
        resolved: Payload = {}
        for thing in things:
            if isinstance(thing, User):
                resolved.setdefault("users", {})[str(thing.id)] = thing.payload()
                if channel.guild and thing.id in channel.guild.members:
                    member = channel.guild.member_payload(thing, with_user=False)
                    member["permissions"] = str(channel.guild.permissions_of(thing))
                    resolved.setdefault("members", {})[str(thing.id)] = member
            elif isinstance(thing, Role):
                resolved.setdefault("roles", {})[str(thing.id)] = thing.payload()
            elif isinstance(thing, Attachment):
                resolved.setdefault("attachments", {})[str(thing.id)] = thing.payload()
            elif hasattr(thing, "messages"):
                resolved.setdefault("channels", {})[str(thing.id)] = thing.payload()
        return resolved

    def _interact(
        self, kind: int, channel: Channel, data: Payload, name: str, message: Message | None = None
    ) -> Interaction:
        world, guild = self.world, channel.guild
        made = Interaction(
            world,
            world.clock.snowflake(),
            secrets.token_urlsafe(24),
            kind,
            self,
            channel,
            name,
            world.clock.now(),
            message,
        )
        world.interactions[made.token] = made
        world.journal.note(f"{made!r} in {channel!r}")
        # If the bot is not a member, the person has installed it for themselves.
        with_bot = guild if guild and guild.has_bot else None
        world.emit("INTERACTION_CREATE", made.payload(data, self.locale), guild=with_bot)
        return made


def _command_data(definition: Payload) -> Payload:
    return {key: definition[key] for key in ("id", "name", "type", "guild_id") if key in definition}


def _options(definition: Payload, path: list[str], given: dict[str, Any], focus: str | None) -> list[Payload]:
    known = {one["name"]: one for one in definition.get("options") or []}
    if path:
        demand(path[0] in known, f"/{definition['name']} has no subcommand {path[0]!r}, only {list(known)}")
        inner = known[path[0]]
        return [{"name": path[0], "type": inner["type"], "options": _options(inner, path[1:], given, focus)}]
    demand(not any(one["type"] in SUBCOMMANDS for one in known.values()), f"Name a subcommand of {list(known)}")
    demand(set(given) <= set(known), f"/{definition['name']} has the options {list(known)}, not {list(given)}")
    missing = [name for name, one in known.items() if one.get("required") and name not in given]
    demand(focus or not missing, f"Discord would not send /{definition['name']} without {missing}")
    return [_option(known[name], value, focused=name == focus) for name, value in given.items() if value is not None]


def _option(option: Payload, value: Any, *, focused: bool) -> Payload:
    named = {choice["name"]: choice["value"] for choice in option.get("choices") or []}
    value = named.get(value, value) if isinstance(value, str) else value
    demand(not named or value in named.values(), f"{option['name']!r} offers {list(named)}, not {value!r}")
    if hasattr(value, "id"):
        value = str(value.id)
    elif not focused:
        value = CONVERT[option["type"]](value)
        size = len(value) if isinstance(value, str) else value
        least, most = (
            option.get("min_length", option.get("min_value")),
            option.get("max_length", option.get("max_value")),
        )
        allowed = (least is None or size >= least) and (most is None or size <= most)
        demand(allowed, f"Discord would not send {option['name']}={value!r}: it takes {least} to {most}")
    sent = {"name": option["name"], "type": option["type"], "value": value}
    return sent | ({"focused": True} if focused else {})


def _part(message: Message, name: str, kinds: tuple[int, ...]) -> Payload:
    parts = [part for part in message.parts() if part["type"] in kinds]
    for part in parts:
        if name in (part.get("label"), part.get("custom_id"), part.get("placeholder")):
            demand(not part.get("disabled"), f"{name!r} is disabled on {message!r}")
            return part
    offered = [part.get("label") or part.get("placeholder") or part.get("custom_id") for part in parts]
    raise ImpossibleError(f"There is no {name!r} on {message!r}, only {offered}")


def _values(select: Payload, picks: tuple[str | User | Role | Channel, ...]) -> list[str]:
    values = [option["value"] for option in select.get("options") or []]
    labels = {option["label"]: option["value"] for option in select.get("options") or []}
    picked = [labels.get(pick, pick) if isinstance(pick, str) else str(pick.id) for pick in picks]
    demand(not values or set(picked) <= set(values), f"The select offers {list(labels)}, not {picks}")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    demand(least <= len(picked) <= most, f"The select takes {least} to {most} choices")
    return picked


def _filled(part: Payload, answers: dict[str, Any]) -> Payload:
    if part["type"] == ACTION_ROW:
        return {
            "type": ACTION_ROW,
            "components": [_answer(one, one["label"], answers) for one in part["components"]],
        }
    if part["type"] == LABEL:
        return {"type": LABEL, "component": _answer(part["component"], part["label"], answers)}
    return {"type": part["type"]}


def _answer(field_: Payload, label: str, answers: dict[str, Any]) -> Payload:
    default = field_.get("value", "") if field_["type"] == TEXT_INPUT else []
    answer = answers.pop(label, answers.pop(field_["custom_id"], default))
    demand(answer or not field_.get("required", True), f"{label!r} must be filled in")
    sent: Payload = {"type": field_["type"], "custom_id": field_["custom_id"]}
    if field_["type"] == TEXT_INPUT:
        least, most = field_.get("min_length") or 0, field_.get("max_length") or 4000
        demand(not answer or least <= len(answer) <= most, f"{label!r} takes {least} to {most} characters")
        return sent | {"value": answer}
    picks = (answer,) if isinstance(answer, str) else tuple(answer)
    return sent | {"values": _values(field_, picks) if picks else []}
