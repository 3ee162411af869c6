"""The tree of commands: in whose language they fail, and how they are linked."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.discord.gate.boundary import tell
from bot.discord.reply.target import NETWORK_ERRORS
from bot.language import LANGUAGES, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from discord.abc import Snowflake

    from bot.discord.services import Bot

ANYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
BY_ANYBODY = app_commands.AppInstallationType(guild=True, user=True)


class Tree(app_commands.CommandTree["Bot"]):
    """Hold the commands; each may be used in servers, in direct messages, and by whoever installed the bot."""

    def __init__(self, client: Bot) -> None:
        super().__init__(client, allowed_contexts=ANYWHERE, allowed_installs=BY_ANYBODY)
        self._ids: dict[str, int] = {}

    async def sync(self, *, guild: Snowflake | None = None) -> list[app_commands.AppCommand]:
        """Send the commands to Discord, and remember the ids that it gives them."""
        synced = await super().sync(guild=guild)
        self._know(synced)
        return synced

    async def mention(self, name: str) -> str:
        """Return a command as something to click; only its name where Discord does not say which id it has."""
        if not self._ids:
            with suppress(*NETWORK_ERRORS):
                self._know(await self.fetch_commands())
        known = self._ids.get(name.partition(" ")[0])
        return f"**/{name}**" if known is None else f"</{name}:{known}>"

    async def typed(self, text: str) -> str | None:
        """Return what to click instead, where a command was typed as text: its bare name, or "/" and its name."""
        words = text.casefold().split()
        slash = bool(words) and words[0].startswith("/")
        known = _spellings(self)
        for count in range(len(words), 0, -1) if slash else [len(words)]:
            if names := known.get(" ".join(words[:count]).removeprefix("/")):
                return ", ".join([await self.mention(name) for name in names])
        return None

    async def linked(self, sentence: str) -> str:
        """Return a sentence of the bot's own with the commands that it names as something to click."""
        known = {spelled: names[0] for spelled, names in _spellings(self).items() if len(names) == 1}
        longest_first = sorted(map(re.escape, known), key=len, reverse=True)
        parts = re.split(rf"(?<![\w/<])/({'|'.join(longest_first)})(?!\w)", sentence, flags=re.IGNORECASE)
        parts[1::2] = [await self.mention(known[name.casefold()]) for name in parts[1::2]]
        return "".join(parts)

    def _know(self, commands: Iterable[app_commands.AppCommand]) -> None:
        self._ids = {command.name: command.id for command in commands}

    async def interaction_check(self, interaction: discord.Interaction[Bot], /) -> bool:
        """Speak the person's language, also in what fails before the command passes the gate."""
        try:
            await interaction.client.services.gate.speak_to(interaction)
        except Exception as error:  # noqa: BLE001  # discord.py would only log what is raised here
            await tell(interaction, error)
            return False
        return True

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Say in a sentence why the command failed."""
        await tell(interaction, error)


def _spellings(tree: app_commands.CommandTree[Any]) -> dict[str, list[str]]:
    """Return what people may type for commands, in every language, with the full names of what it stands for.

    A group's name alone stands for all commands in it.
    """
    found: dict[str, list[str]] = {}
    for command in tree.walk_commands():
        inner = command.walk_commands() if isinstance(command, app_commands.Group) else [command]
        names = [each.qualified_name for each in inner]
        found.update(dict.fromkeys(_in_every_language(command.qualified_name), names))
    return found


def _in_every_language(name: str) -> Iterator[str]:
    yield name
    for language in LANGUAGES:
        yield " ".join(translated(word, language) or word for word in name.split()).casefold()
