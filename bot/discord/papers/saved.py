"""/saved: the papers that somebody starred, or that a server did, to look through and to take away as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, cast

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.gate.boundary import RefusedError
from bot.discord.gate.reach import place_for
from bot.discord.papers.references_file import format_menu, references_file
from bot.discord.reply.target import server_of
from bot.discord.services import acting
from bot.discord.ui.layout import COLOUR, Block, Card, button, notice, pages, rows, star
from bot.discord.ui.words import origin, title_link
from bot.language import say, say_many

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from bot.discord.answers.responder import Desk
    from bot.discord.services import Host
    from bot.discord.ui.layout import Item
    from retrieval.papers import Paper

Whose: TypeAlias = Literal["mine", "server"]

PAGE_PAPERS: Final = 8
LINK_ROOM: Final = 360

_SAVED: Final = "footnote:saved:"
_AS: Final = "footnote:saved-as:"
_WHOSE: Final = "(?P<whose>mine|server)"


class Saved(commands.Cog):
    """Show what was starred."""

    def __init__(self, bot: Host) -> None:
        self._bot = bot
        self._desk = bot.desk

    async def cog_load(self) -> None:
        """Listen to the buttons and the select, also to those that were shown before a restart."""
        self._bot.add_dynamic_items(SavedPage, SavedFile)

    @app_commands.command()
    @app_commands.describe(whose="Your stars, or those of everybody in this server (yours if you leave it out)")
    @app_commands.choices(
        whose=[
            app_commands.Choice(name="mine", value="mine"),
            app_commands.Choice(name="this server's", value="server"),
        ]
    )
    async def saved(self, interaction: discord.Interaction[Any], whose: Literal["mine", "server"] = "mine") -> None:
        """See the papers with a ⭐, and take them away as a file."""
        place = await place_for(interaction, self._desk, private=True)
        await place.post(await saved_page(interaction, self._desk, whose, 0))


class SavedPage(ui.DynamicItem["ui.Button[Any]"], template=rf"{_SAVED}{_WHOSE}:(?P<page>\d{{1,5}})"):
    """Turn to a page of the list."""

    def __init__(self, item: ui.Button[Any], whose: Whose, page: int) -> None:
        super().__init__(item)
        self._whose = whose
        self._page = page

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read which list it is, and which page."""
        assert isinstance(item, ui.Button)
        return cls(item, cast("Whose", match["whose"]), int(match["page"]))

    @acting
    async def callback(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Show the page in place of the other."""
        await interaction.response.defer()
        view = await saved_page(interaction, desk, self._whose, self._page)
        await interaction.edit_original_response(view=view)


class SavedFile(ui.DynamicItem["ui.Select[Any]"], template=_AS + _WHOSE):
    """Give the list as a file in the format chosen."""

    def __init__(self, item: ui.Select[Any], whose: Whose) -> None:
        super().__init__(item)
        self._whose = whose

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read which list it is."""
        assert isinstance(item, ui.Select)
        return cls(item, cast("Whose", match["whose"]))

    @acting
    async def callback(self, interaction: discord.Interaction[Any], desk: Desk) -> None:
        """Give it to whoever chose."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        known = await _starred(interaction, desk, self._whose)
        if not any(known.values()):
            await interaction.edit_original_response(view=notice(_nothing(self._whose)))
            return
        ids = [paper_id for paper_id, paper in known.items() if paper is not None]
        file = await references_file(desk.library, ids, self.item.values[0], interaction.filesize_limit)
        words = say_many("One paper:", "{n} papers:", len(ids))
        view = Card(ui.TextDisplay("\n".join([words, *_missing(known)])), ui.File(f"attachment://{file.filename}"))
        await interaction.edit_original_response(view=view, attachments=[file])


async def saved_page(interaction: discord.Interaction[Any], desk: Desk, whose: Whose, page: int) -> Card:
    """Return a page (from 0, the last one for any beyond it) of what somebody or the server starred."""
    known = await _starred(interaction, desk, whose)
    papers = [paper for paper in known.values() if paper is not None]
    if not papers:
        return notice("\n".join([_nothing(whose), *_missing(known)]))
    most = -(-len(papers) // PAGE_PAPERS)
    page = min(page, most - 1)
    shown = papers[page * PAGE_PAPERS : (page + 1) * PAGE_PAPERS]
    own = await desk.store.feedback.saved(interaction.user.id)
    heading = say("Your ⭐ papers") if whose == "mine" else say("The ⭐ papers of this server")
    below = ["-# " + say("Page {page} of {pages}", page=page + 1, pages=most)] if most > 1 else []
    below += _missing(known)
    groups = [
        [Block(f"### {heading}")],
        [_listed(number, paper, own) for number, paper in enumerate(shown, start=page * PAGE_PAPERS + 1)],
        *([[Block("\n".join(below))]] if below else []),
    ]
    turns = [button(say("◀ Previous"), f"{_SAVED}{whose}:{page - 1}")] if page > 0 else []
    if page + 1 < most:
        turns.append(button(say("Next ▶"), f"{_SAVED}{whose}:{page + 1}"))
    controls: list[Item] = [*rows(turns), format_menu(_AS + whose)]
    (laid,) = pages(groups)
    return Card(ui.Container(*laid, accent_colour=COLOUR), *controls)


async def _starred(interaction: discord.Interaction[Any], desk: Desk, whose: Whose) -> Mapping[str, Paper | None]:
    """Return what was starred, by id, None for what the library no longer has; raises RefusedError outside a server."""
    if whose == "mine":
        ids = await desk.store.feedback.saved(interaction.user.id)
    elif (guild_id := server_of(interaction)) is None:
        raise RefusedError(say("That works only in a server."))
    else:
        ids = await desk.store.feedback.saved_in(guild_id)
    details = await desk.library.details(ids)
    found: dict[str, Paper | None] = {}
    for paper_id in ids:
        paper = details[paper_id].paper if paper_id in details else None
        found[paper.paper_id if paper else paper_id] = paper
    return found


def _listed(number: int, paper: Paper, own: Sequence[str]) -> Block:
    place = origin(paper)
    text = f"**{number}.** {title_link(paper, LINK_ROOM)}" + (f"\n-# {place}" if place else "")
    return Block(text, star(paper.paper_id, lit=paper.paper_id in own))


def _missing(known: Mapping[str, Paper | None]) -> list[str]:
    count = sum(paper is None for paper in known.values())
    words = say_many("One of them I no longer have.", "{n} of them I no longer have.", count)
    return [f"-# {words}"] if count else []


def _nothing(whose: Whose) -> str:
    if whose == "mine":
        return say("You have not starred a paper yet: ⭐ beside a paper does it.")
    return say("Nobody here has starred a paper where all could see it.")
