"""The actions of the page's visitors, carried out as the people they chose to be."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from local_discord.errors import ApiError, ImpossibleError, InVainError, demand
from local_discord.limits import CONTENT

from .form_html import form_html
from .scene import Scene
from .view import channel_rows, commands_for, menu_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_discord.channels import Channel, Message
    from local_discord.interactions import Interaction
    from local_discord.people import Person
    from local_discord.server import LocalDiscord

Payload = dict[str, Any]
_NAMED_THINGS: Final = (6, 7, 8, 9)
_FILE: Final = 11


class Actions:
    """Carry out a visitor's action; what is impossible ends in a sentence."""

    def __init__(self, local: LocalDiscord, people: dict[str, Person]) -> None:
        self._local = local
        self._people = people
        self._table: dict[str, Callable[[Person, Channel, Payload], Awaitable[Payload]]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "thread": self._thread,
            "offer": self._offer,
            "command": self._command,
            "complete": self._complete,
            "click": self._click,
            "choose": self._choose,
            "menu": self._menu,
            "submit": self._submit,
        }

    async def do(self, action: Payload) -> Payload:
        """Carry out an action; returns a form, choices or commands, or under ``error`` why it was impossible."""
        try:
            person, channel = self.who(action.get("who")), self.where(action.get("who"), action.get("channel"))
            demand(action.get("do") in self._table, "This page is of another version; load it anew")
            return await self._table[action["do"]](person, channel, action)
        except InVainError:
            return {"error": f"{self._local.bot.name} did not answer in time."}
        except ImpossibleError as error:
            return {"error": f"{error}."}
        except ApiError as error:
            return {"error": f"{error.body['message']}."}
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            return {"error": "This page asked for what there is not; load it anew."}

    def who(self, name: object) -> Person:
        """Look up a person; raises ImpossibleError."""
        demand(name in self._people, "There is no such person here")
        return self._people[str(name)]

    def where(self, name: object, channel_id: object) -> Channel:
        """Look up a channel that somebody sees, by default the first one; raises ImpossibleError."""
        person = self.who(name)
        if not channel_id:
            channel_id = next(channel_rows(person))["id"]
        channel = self._local.world.channels.get(int(str(channel_id)) if str(channel_id).isdigit() else 0)
        if channel is None or not (
            person.id in channel.guild.members if channel.guild else channel.recipient is person
        ):
            raise ImpossibleError("This channel is not there any more")
        return channel

    async def _say(self, person: Person, channel: Channel, action: Payload) -> Payload:
        text = self._with_mentions(str(action["text"]).strip(), channel)
        demand(text, "Write something first")
        demand(len(text) <= CONTENT, f"A message takes {CONTENT} characters at most")
        answered = _message(person, channel, action["reply"]) if action.get("reply") else None
        message = await person.says(channel, text, reply_to=answered)
        return {"message": str(message.id)}

    async def _edit(self, person: Person, channel: Channel, action: Payload) -> Payload:
        text = self._with_mentions(str(action["text"]).strip(), channel)
        demand(text and len(text) <= CONTENT, f"A message takes 1 to {CONTENT} characters")
        await person.edits(_message(person, channel, action["message"]), text)
        return {}

    async def _delete(self, person: Person, channel: Channel, action: Payload) -> Payload:
        message = _message(person, channel, action["message"])
        demand(message.author is person, f"{person.name} cannot delete this message")
        await person.deletes(message)
        return {}

    async def _thread(self, person: Person, channel: Channel, action: Payload) -> Payload:
        demand(channel.guild and not channel.is_thread, "Threads are opened in a channel")
        name = str(action["name"]).strip()[:100]
        demand(name, "A thread needs a name")
        opened = await person.opens_thread(channel, name, _message(person, channel, action["message"]))
        return {"go": str(opened.id)}

    async def _offer(self, person: Person, channel: Channel, _: Payload) -> Payload:
        return {"commands": commands_for(person, channel), "menu": menu_of(person, channel)}

    async def _command(self, person: Person, channel: Channel, action: Payload) -> Payload:
        options = self._options(person, channel, action)
        return await self._answered(await person.uses_command(channel, action["command"], **options))

    async def _complete(self, person: Person, channel: Channel, action: Payload) -> Payload:
        options, focus = self._options(person, channel, action), str(action["focus"])
        typed = options.pop(focus, "")
        return {"choices": await person.autocompletes(channel, action["command"], **options, **{focus: typed})}

    async def _click(self, person: Person, channel: Channel, action: Payload) -> Payload:
        message = _message(person, channel, action["message"])
        return await self._answered(await person.clicks(message, str(action["custom_id"])))

    async def _choose(self, person: Person, channel: Channel, action: Payload) -> Payload:
        message, scene = _message(person, channel, action["message"]), Scene(person.world, person, channel)
        select = next((part for part in message.parts() if part.get("custom_id") == action["custom_id"]), None)
        if select is None:
            raise ImpossibleError("This menu is not there any more")
        values = [str(value) for value in action["values"]]
        picks = values if select.get("options") else [scene.thing(value) or value for value in values]
        return await self._answered(await person.chooses(message, str(action["custom_id"]), *picks))

    async def _menu(self, person: Person, channel: Channel, action: Payload) -> Payload:
        message = _message(person, channel, action["message"])
        return await self._answered(await person.uses_context_menu(message, str(action["command"])))

    async def _submit(self, person: Person, _: Channel, action: Payload) -> Payload:
        opened = next(
            (
                interaction
                for interaction in person.world.interactions.values()
                if str(interaction.id) == action["form"]
            ),
            None,
        )
        if opened is None or opened.user is not person:
            raise ImpossibleError("This form is not open any more")
        return await self._answered(await person.submits(opened, dict(action["answers"])))

    async def _answered(self, interaction: Interaction) -> Payload:
        """Convert the first response to an interaction to an instruction for the page."""
        await interaction.response(self._local.world.interaction_deadline + timedelta(seconds=1))
        if interaction.modal is None:
            return {}
        scene = Scene(self._local.world, self._people[interaction.user.name], interaction.channel)
        key = f"f{interaction.id}"
        return {"form": {"id": str(interaction.id), "key": key, "html": form_html(interaction.modal, scene, key)}}

    def _options(self, person: Person, channel: Channel, action: Payload) -> dict[str, Any]:
        """Parse the options of a command, which refer to things by id and have files in Base64."""
        known = next(
            (command for command in commands_for(person, channel) if command["name"] == action["command"]), None
        )
        if known is None:
            raise ImpossibleError(f"/{action['command']} is not offered here")
        kinds, scene = (
            {option["name"]: option["type"] for option in known["options"]},
            Scene(person.world, person, channel),
        )
        options: dict[str, Any] = {}
        for name, value in dict(action["options"]).items():
            if kinds.get(name) in _NAMED_THINGS:
                options[name] = scene.thing(str(value))
            elif kinds.get(name) == _FILE:
                options[name] = {str(value["name"]): base64.b64decode(value["data"], validate=True)}
            else:
                options[name] = value
        return options

    def _with_mentions(self, text: str, channel: Channel) -> str:
        """Turn @ followed by a member's name into a mention, as clients do."""
        there = list(channel.guild.members.values()) if channel.guild else [self._local.bot]
        for user in there:
            text = re.sub(rf"(?<!\S)@{re.escape(user.name)}\b", user.mention, text, flags=re.IGNORECASE)
        return text


def _message(person: Person, channel: Channel, message_id: object) -> Message:
    """Look up a message that somebody sees in a channel; raises ImpossibleError."""
    number = int(str(message_id))
    if found := channel.messages.get(number):
        return found
    for interaction in person.world.interactions.values():
        for message in interaction.messages():
            if message.id == number and interaction.user is person and not message.deleted:
                return message
    raise ImpossibleError("This message is not there any more")
