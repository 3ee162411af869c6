"""Find a paper by part of its title: suggestions while typing, and one paper at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from discord import app_commands

from bot.discord.ui.custom_ids import paper_key
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import ELLIPSIS, plain, shorten_at_end
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from retrieval import Library, Paper

TYPED_CHARACTERS: Final = 300  # of an input that are compared; Discord sends up to 6,000
REPEATED_CHARACTERS: Final = 100  # of an input that are repeated to the person


class Titles:
    """Suggest papers for what was typed so far, and tell which paper a finished input means."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def choices(self, typed: str) -> list[app_commands.Choice[str]]:
        """Suggest up to 25 papers, first those with every typed word in the title; the newest if nothing was typed."""
        typed = typed[:TYPED_CHARACTERS]
        named = await self._library.id_of(typed)
        title = await self._library.titles.of(named) if named is not None else None
        if named is not None and title is not None:
            found = [(named, title)]
        else:
            found = await self._library.titles.find(typed, CHOICES)
        return [
            app_commands.Choice(
                name=shorten_at_end(plain(title) or plain(paper_id) or ELLIPSIS, CHOICE_CHARACTERS),
                value=paper_key(paper_id),
            )
            for paper_id, title in found
        ]

    async def paper(self, chosen: str) -> Paper | None:
        """Find the paper of a choice, or of free input: an id, a link or an approximate title."""
        typed = chosen[:TYPED_CHARACTERS]
        paper_id = (
            await self._library.id_of(typed)
            or await self._library.of_key(chosen.strip())
            or await self._library.titles.meant(typed)
        )
        return await self._library.get(paper_id) if paper_id else None


def unknown(typed: str) -> BadInputError:
    """Make the error for an input that matches no paper."""
    shown = shorten_at_end(plain(typed), REPEATED_CHARACTERS)
    return BadInputError(
        say("I know no paper “{typed}”; pick one of the suggestions that appear while you type.", typed=shown)
    )
