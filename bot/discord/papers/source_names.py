"""The sources of the library as an option of commands: suggestions while typing, and the final input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands

from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from retrieval import Library


class SourceNames:
    """Look up the names of the library's sources."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def choices(self, typed: str) -> list[app_commands.Choice[str]]:
        """Suggest up to 25 sources whose names contain what was typed so far."""
        names = (name for name in await self._all() if typed.strip().casefold() in name.casefold())
        fitting = (name for name in names if 0 < len(name) <= CHOICE_CHARACTERS)
        return [app_commands.Choice(name=name, value=name) for name in fitting][:CHOICES]

    async def read(self, typed: str) -> str:
        """Match what was typed to a source's name; raises BadInputError."""
        known = await self._all()
        found = next((name for name in known if name.casefold() == typed.strip().casefold()), None)
        if found is None:
            shown = shorten_at_end(plain(typed), CHOICE_CHARACTERS)
            there = ", ".join(known[:CHOICES]) or "–"
            raise BadInputError(say("I have no source {source}; my sources are: {known}.", source=shown, known=there))
        return found

    async def _all(self) -> list[str]:
        return await self._library.sources()
