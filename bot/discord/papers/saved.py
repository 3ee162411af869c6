"""/saved: the papers that a person or a server has starred, to browse and to download as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.gate.boundary import RefusedError
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Clickable
from bot.discord.papers.references_file import format_menu, references_card
from bot.discord.ui.layout import COLOUR, Block, Card, button, notice, pages, rows, star
from bot.discord.ui.phrases import origin, title_link
from bot.language import say, say_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.discord.gate.gate import Admitted
    from bot.discord.gate.gate_components import Gesture
    from bot.discord.services import Bot, Services
    from bot.discord.ui.layout import Item
    from retrieval import Paper

Whose: TypeAlias = Literal["mine", "server"]

PAGE_PAPERS: Final = 8
LINK_ROOM: Final = 360

_SAVED: Final = "footnote:saved:"
_AS: Final = "footnote:saved-as:"
_WHOSE: Final = "(?P<whose>mine|server)"


class Saved(commands.Cog):
    """Show starred papers."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._services = bot.services

    async def cog_load(self) -> None:
        """Register the buttons and the select, so that those shown before a restart work too."""
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
        """See the papers with a ⭐, and get them as a file."""
        admitted = await self._services.gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        await admitted.target.post(await saved_page(admitted, self._services, whose, 0))


class SavedPage(Clickable[ui.Button[Any]], template=rf"{_SAVED}{_WHOSE}:(?P<page>\d{{1,5}})"):
    """Turn to a page of the list."""

    acknowledge = Acknowledge.ON_CARD

    async def clicked(self, click: Gesture) -> None:
        """Show the page in place of the other."""
        whose = cast("Whose", self.match["whose"])
        await click.admitted.target.post(
            await saved_page(click.admitted, click.services, whose, int(self.match["page"]))
        )


class SavedFile(Clickable[ui.Select[Any]], template=_AS + _WHOSE):
    """Send the list as a file in the chosen format."""

    async def clicked(self, click: Gesture) -> None:
        """Send it to whoever chose."""
        whose = cast("Whose", self.match["whose"])
        known = await _starred(click.admitted, click.services, whose)
        found = [paper_id for paper_id, paper in known.items() if paper is not None]
        if not found:
            await click.admitted.target.post(notice(_nothing(whose)))
            return
        text = "\n".join([say_many("One paper:", "{n} papers:", len(found)), *_missing(known)])
        form, most = self.item.values[0], click.interaction.filesize_limit
        await click.admitted.target.post(await references_card(click.services.library, found, form, most, text))


async def saved_page(admitted: Admitted, services: Services, whose: Whose, page: int) -> Card:
    """Lay out a page (from 0; the last one for any beyond it) of what a person or the server has starred."""
    known = await _starred(admitted, services, whose)
    papers = [paper for paper in known.values() if paper is not None]
    if not papers:
        return notice("\n".join([_nothing(whose), *_missing(known)]))
    most = -(-len(papers) // PAGE_PAPERS)
    page = min(page, most - 1)
    shown = papers[page * PAGE_PAPERS : (page + 1) * PAGE_PAPERS]
    own = await services.store.feedback.saved(admitted.user.id)
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


async def _starred(admitted: Admitted, services: Services, whose: Whose) -> Mapping[str, Paper | None]:
    """Load starred papers by id, None for those no longer in the library; raises RefusedError outside a server."""
    if whose == "mine":
        ids = await services.store.feedback.saved(admitted.user.id)
    elif admitted.guild_id is None:
        raise RefusedError(say("That works only in a server."))
    else:
        ids = await services.store.feedback.saved_in(admitted.guild_id)
    details = await services.library.details(ids)
    found: dict[str, Paper | None] = {}
    for paper_id in ids:
        paper = details[paper_id].paper if paper_id in details else None
        found[paper.paper_id if paper else paper_id] = paper
    return found


def _listed(number: int, paper: Paper, own: Sequence[str]) -> Block:
    byline = origin(paper)
    text = f"**{number}.** {title_link(paper, LINK_ROOM)}" + (f"\n-# {byline}" if byline else "")
    return Block(text, star(paper.paper_id, lit=paper.paper_id in own))


def _missing(known: Mapping[str, Paper | None]) -> list[str]:
    count = sum(paper is None for paper in known.values())
    words = say_many("I no longer have one of them.", "I no longer have {n} of them.", count)
    return [f"-# {words}"] if count else []


def _nothing(whose: Whose) -> str:
    if whose == "mine":
        return say("You have not starred a paper yet: click the ⭐ next to one.")
    return say("Nobody here has starred a paper publicly yet.")
