"""Say how papers are cited, to whoever asks alone: a line to read, and BibTeX to copy."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Self

import discord
from discord import ui
from discord.ext import commands

from bot.discord.answers.answer_buttons import Clickable
from bot.discord.services import acting
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.layout import COLOUR, MESSAGE_CHARACTERS, Card, notice
from bot.discord.ui.markdown import escape, length, plain, safe_url, shorten
from bot.language import say
from retrieval.citation import Cited, Keys, bibtex, words

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from bot.discord.answers.responder import Desk
    from bot.discord.services import Host
    from retrieval.sources.fetched import Fetched

FILE_NAME: Final = "citations.bib"
LINE_CHARACTERS: Final = 600  # escaped, of each paper's line
LINES_ROOM: Final = 2500  # of all lines together; the file has what does not fit
FENCE: Final = "```"


class Citations(commands.Cog):
    """Answer the buttons and the selects that ask how papers are cited."""

    def __init__(self, bot: Host) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        """Listen to them, also to those that were posted before a restart."""
        self._bot.add_dynamic_items(Cite, CiteMenu)


class Cite(Clickable, template=ids.CITE + ids.PAPER):
    """Say how a paper is cited."""

    async def clicked(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Say it to whoever clicked."""
        await tell_citations(interaction, desk, [self.match["paper"]])


class CiteMenu(ui.DynamicItem["ui.Select[Any]"], template=ids.CITE_MENU):
    """Say how the papers chosen are cited."""

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /) -> Self:  # noqa: ARG003
        """Return the select that was chosen from."""
        assert isinstance(item, ui.Select)
        return cls(item)

    @acting
    async def callback(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Say it to whoever chose."""
        await tell_citations(interaction, desk, self.item.values)


async def tell_citations(interaction: discord.Interaction[Any], desk: Desk, keys: Sequence[str]) -> None:
    """Say to whoever asked how the papers of these keys are cited."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    found = [paper_id for key in keys if (paper_id := await ids.paper_of(key, desk.library)) is not None]
    known = await desk.library.details(found)
    details = list({each.paper.paper_id: each for paper_id in found if (each := known.get(paper_id))}.values())
    if not details:
        await interaction.edit_original_response(view=notice(say("I no longer have that paper.")))
        return
    view, file = citation_card(details)
    await interaction.edit_original_response(view=view, attachments=[file] if file else [])


def citation_card(papers: Sequence[Fetched]) -> tuple[Card, discord.File | None]:
    """Return the message that cites papers, and the file with their BibTeX where that does not fit into it."""
    keys = Keys()
    entries = "\n".join(bibtex(each, keys.give(each), abstract=False) for each in papers).strip()
    lines, room = [], LINES_ROOM
    for each in papers:
        line = _line(each)
        room -= length(line)
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(papers):
        lines.append("-# " + say("The file has all of them."))
    text = "\n".join(lines)
    # A fence in a title would end the block.
    code = f"{FENCE}bibtex\n{entries.replace(FENCE, chr(39) * 3)}\n{FENCE}"
    if len(lines) == len(papers) and length(text) + length(code) <= MESSAGE_CHARACTERS:
        return Card(ui.Container(ui.TextDisplay(text), ui.TextDisplay(code), accent_colour=COLOUR)), None
    attached: ui.File[Any] = ui.File(f"attachment://{FILE_NAME}")
    view = Card(ui.Container(ui.TextDisplay(text), attached, accent_colour=COLOUR))
    return view, discord.File(BytesIO(f"{entries}\n".encode()), FILE_NAME)


def _line(details: Fetched) -> str:
    url = safe_url(Cited.of(details).url)
    return escape(shorten(plain(words(details)), LINE_CHARACTERS)) + (f" <{url}>" if url else "")
