"""People and what they do: post, click, choose, use commands, fill in forms."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from .channels import Channel, Message
from .client_input import chosen_values, command_options, filled_part, named_part
from .components import BUTTON, LINK_STYLE, SELECTS
from .errors import ImpossibleError, demand
from .guilds import Role
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from .message_parts import Attachment
from .users import User

if TYPE_CHECKING:
    from .gateway import Gateway
    from .world import World

Payload = dict[str, Any]
USER_COMMAND, MESSAGE_COMMAND = 2, 3


@dataclass(eq=False)
class Person(User):
    """A person at a Discord client, who can do only what that client allows."""

    world: World = field(kw_only=True, repr=False)
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
        part = named_part(message, button, (BUTTON,))
        demand(part["style"] != LINK_STYLE, f"{button!r} is a link to {part.get('url')}")
        data = {"custom_id": part["custom_id"], "component_type": BUTTON, "id": part["id"]}
        return self._interact(COMPONENT, message.channel, data, button, message)

    async def chooses(self, message: Message, select: str, *picks: str | User | Role | Channel) -> Interaction:
        """Choose from the select with this placeholder or custom_id, by label or value."""
        await self._sees(message)
        part = named_part(message, select, SELECTS)
        data = {"custom_id": part["custom_id"], "component_type": part["type"], "id": part["id"]}
        data["values"] = chosen_values(part, picks)
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
        filled = [filled_part(part, left) for part in modal["components"]]
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
        data = _command_data(definition) | {"options": command_options(definition, path, options, focus)}
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
            elif isinstance(thing, Channel):
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
