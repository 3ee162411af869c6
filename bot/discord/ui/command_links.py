"""Clickable commands, wherever the bot or somebody else writes their names."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from discord import app_commands

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.language import LANGUAGES, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class CommandLinks:
    """Link the commands of the `tree`, which the bot sets; bold names if Discord does not tell their ids."""

    def __init__(self) -> None:
        self.tree: app_commands.CommandTree[Any] | None = None
        self._ids: dict[str, int] = {}

    def know(self, commands: Iterable[app_commands.AppCommand]) -> None:
        """Remember the ids that Discord has assigned to commands."""
        self._ids = {command.name: command.id for command in commands}

    async def mention(self, name: str) -> str:
        """Format a command as a link."""
        await self._ask_for_ids()
        return self._known(name)

    async def typed(self, text: str) -> str | None:
        """Link the command that somebody typed as text, by its bare name or with "/"; None if it is none."""
        words = text.casefold().split()
        slash = bool(words) and words[0].startswith("/")
        known = self._spellings()
        for count in range(len(words), 0, -1) if slash else [len(words)]:
            if names := known.get(" ".join(words[:count]).removeprefix("/")):
                return ", ".join([await self.mention(name) for name in names])
        return None

    async def linked(self, sentence: str) -> str:
        """Turn the commands in a sentence into links."""
        await self._ask_for_ids()
        return self.link(sentence)

    def link(self, sentence: str) -> str:
        """Do the same as `linked`, with the command ids known so far."""
        known = {spelled: names[0] for spelled, names in self._spellings().items() if len(names) == 1}
        longest_first = sorted(map(re.escape, known), key=len, reverse=True)
        parts = re.split(rf"(?<![\w/<])/({'|'.join(longest_first)})(?!\w)", sentence, flags=re.IGNORECASE)
        parts[1::2] = [self._known(known[name.casefold()]) for name in parts[1::2]]
        return "".join(parts)

    async def _ask_for_ids(self) -> None:
        if not self._ids and self.tree is not None:
            with suppress(*NETWORK_ERRORS):
                self.know(await self.tree.fetch_commands())

    def _known(self, name: str) -> str:
        known = self._ids.get(name.partition(" ")[0])
        return f"**/{name}**" if known is None else f"</{name}:{known}>"

    def _spellings(self) -> dict[str, list[str]]:
        """Map what people may type for commands, in every language, to the full names of the commands.

        A group's name alone stands for all of its commands.
        """
        found: dict[str, list[str]] = {}
        for command in self.tree.walk_commands() if self.tree else ():
            inner = command.walk_commands() if isinstance(command, app_commands.Group) else [command]
            names = [command.qualified_name for command in inner]
            found.update(dict.fromkeys(_in_every_language(command.qualified_name), names))
        return found


def _in_every_language(name: str) -> Iterator[str]:
    yield name
    for language in LANGUAGES:
        yield " ".join(translated(word, language) or word for word in name.split()).casefold()
