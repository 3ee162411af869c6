"""/library: moderators see, remove and restore the papers of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.gate.availability import in_servers, is_moderator
from bot.discord.gate.boundary import RefusedError
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Clickable
from bot.discord.papers import library_card as card
from bot.discord.papers.source_names import SourceNames
from bot.discord.papers.title_choices import Titles, unknown
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say, say_many
from retrieval import BadInputError
from retrieval.catalogue.removal import removals
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.gate.gate_components import Gesture
    from bot.discord.services import Bot
    from retrieval import Library, Paper, Removed

# Terms of every command here: replies in private disturb nobody.
TERMS: Final = (ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)

moderated: Final = app_commands.checks.has_permissions(manage_guild=True)


@in_servers
@app_commands.default_permissions(manage_guild=True)
class LibraryCommands(commands.GroupCog, group_name="library", group_description="What is in my library"):
    """Show the library to moderators, and let them change it."""

    def __init__(self, bot: Bot) -> None:
        super().__init__()
        self._bot = bot
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._titles = Titles(bot.services.library)
        self._source_names = SourceNames(bot.services.library)

    async def cog_load(self) -> None:
        """Register the buttons, so that those shown before a restart work too."""
        self._bot.add_dynamic_items(LibraryButton)

    @app_commands.command(name="list")
    @moderated
    @app_commands.describe(source="Only papers of this source")
    async def list_(self, interaction: discord.Interaction[Any], source: str | None = None) -> None:
        """See the papers in my library, the newest first."""
        admitted = await self._gate.admit(interaction, *TERMS)
        chosen = None if source is None else await self._source_names.read(source)
        await admitted.target.post(await listing(self._library, chosen, 0))

    @app_commands.command()
    @moderated
    @app_commands.describe(paper="Part of its title, its arXiv id or its link")
    async def show(self, interaction: discord.Interaction[Any], paper: str) -> None:
        """See everything I know about a paper."""
        admitted = await self._gate.admit(interaction, *TERMS)
        known = await self._library.known((await self._find(paper)).paper_id)
        assert known is not None
        await admitted.target.post(card.details(known))

    @app_commands.command()
    @moderated
    @app_commands.describe(
        paper="Part of its title, its arXiv id or its link", source="All papers that only this source has"
    )
    async def remove(
        self, interaction: discord.Interaction[Any], paper: str | None = None, source: str | None = None
    ) -> None:
        """Remove papers from my library; I ask first, and it can be undone."""
        admitted = await self._gate.admit(interaction, *TERMS)
        if (paper is None) == (source is None):
            raise BadInputError(say("Name either a paper to remove, or a source whose papers to remove."))
        await demand_leave_to_change(interaction)
        if paper is not None:
            await admitted.target.post(card.question_of_paper(await self._find(paper)))
            return
        chosen = await self._source_names.read(source or "")
        await admitted.target.post(await _question_of_source(self._library, chosen))

    @app_commands.command()
    @moderated
    @app_commands.describe(paper="Which one (by default, everything last removed)")
    async def undo(self, interaction: discord.Interaction[Any], paper: str | None = None) -> None:
        """Restore papers that were removed from my library."""
        admitted = await self._gate.admit(interaction, *TERMS)
        await demand_leave_to_change(interaction)
        removed = await self._library.removed()
        if paper is None:
            found = [gone for removal in removals(removed)[:1] for gone in removal.papers]
        elif paper.startswith(card.REMOVAL_PREFIX):
            found = [gone for gone in removed if card.moment(gone) == paper.removeprefix(card.REMOVAL_PREFIX)]
        else:
            meant = await self._library.id_of(paper)
            found = [
                gone for gone in removed if {paper, meant} & {ids.paper_key(gone.paper_id), gone.paper_id, gone.title}
            ]
        if not found:
            raise BadInputError(say("There is nothing to restore."))
        await admitted.target.post(notice(await put_back(self._library, found)))

    @app_commands.command()
    @moderated
    async def removed(self, interaction: discord.Interaction[Any]) -> None:
        """See what was removed from my library, and restore it."""
        admitted = await self._gate.admit(interaction, *TERMS)
        await admitted.target.post(card.removed_page(removals(await self._library.removed()), 0))

    @list_.autocomplete("source")
    @remove.autocomplete("source")
    async def _sources(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await self._source_names.choices(typed)

    @show.autocomplete("paper")
    @remove.autocomplete("paper")
    async def _papers(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await self._titles.choices(typed)

    @undo.autocomplete("paper")
    async def _removed(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        removed = await self._library.removed()
        several = [card.removal_choice(removal) for removal in removals(removed) if len(removal.papers) > 1]
        papers = [(plain(gone.title), ids.paper_key(gone.paper_id)) for gone in removed]
        # Removals are found by their day and papers by their titles: half of the choices for each.
        offered = [
            (name, value)
            for some, most in ((several, CHOICES // 2), (papers, CHOICES))
            for name, value in [(name, value) for name, value in some if fold(typed.strip()) in fold(name)][:most]
        ]
        return [
            app_commands.Choice(name=shorten_at_end(name, CHOICE_CHARACTERS) or "…", value=value)
            for name, value in offered[:CHOICES]
        ]

    async def _find(self, typed: str) -> Paper:
        """Find the paper that was chosen or typed; raises BadInputError."""
        paper = await self._titles.paper(typed)
        if paper is None:
            raise unknown(typed)
        return paper


class LibraryButton(Clickable[ui.Button[Any]], template=card.TEMPLATE):
    """Turn a page, ask before a removal, remove papers, or restore them."""

    acknowledge = Acknowledge.ON_CARD

    async def clicked(self, click: Gesture) -> None:
        """Act, and show the result in place of the card."""
        if not is_moderator(click.interaction.permissions, click.interaction.guild_id):
            raise RefusedError(say("Only moderators may do that here (it needs the permission Manage Server)."))
        if self.match["what"] not in {"list", "removed"}:
            await demand_leave_to_change(click.interaction)
        await click.admitted.target.post(await self._done(click.services.library))

    async def _done(self, library: Library) -> ui.LayoutView:
        what, of = self.match["what"], self.match["of"]
        match what:
            case "list" | "removed":
                return await _page(library, what, of)
            case "keep":
                return notice(say("Nothing was removed."))
            case "undo":
                removed = [gone for gone in await library.removed() if card.moment(gone) == of]
                return notice(await put_back(library, removed))
            case "source":
                return await _take_out(library, await library.only_from(of))
        paper_id = await ids.paper_of(of, library)
        paper = None if paper_id is None else await library.get(paper_id)
        if paper is None:
            return notice(say("I no longer have that paper."))
        return card.question_of_paper(paper) if what == "ask" else await _take_out(library, [paper.paper_id])


async def demand_leave_to_change(interaction: discord.Interaction[Any]) -> None:
    """Raise RefusedError if other servers share the library, as their moderators were not asked."""
    bot = cast("Bot", interaction.client)
    if len(bot.guilds) > 1 and not await bot.is_owner(interaction.user):
        raise RefusedError(
            say("Several servers share my library: only the person who runs me may remove or restore papers.")
        )


async def listing(library: Library, source: str | None, page: int) -> ui.LayoutView:
    """Lay out a page (from 0; the last one for any beyond it) of the library, or of a source."""
    found = await library.ids(source=source)
    most = max(1, -(-len(found) // card.PAGE_PAPERS))
    page = min(page, most - 1)
    shown = found[page * card.PAGE_PAPERS : (page + 1) * card.PAGE_PAPERS]
    known = await library.details(shown)
    papers = [known[paper_id].paper for paper_id in shown if paper_id in known]
    return card.list_page(papers, len(found), source, page, most)


async def put_back(library: Library, removed: Sequence[Removed]) -> str:
    """Restore papers and report the result."""
    restored = await library.restore([gone.paper_id for gone in removed])
    sentences = []
    if count := len(restored.back):
        sentences.append(say_many("One paper is back.", "{n} papers are back.", count))
    if count := len(restored.free):
        sentences.append(
            say_many(
                "The text of one was erased by then; its source may add it again.",
                "The texts of {n} were erased by then; their sources may add them again.",
                count,
            )
        )
    return " ".join(sentences) or say("There is nothing to restore.")


async def _page(library: Library, what: str, of: str) -> ui.LayoutView:
    """Lay out the page that a button leads to: of the library, of a source, or of removals."""
    page, _, source = of.partition(":")
    number = int(page) if page.isdecimal() else 0
    if what == "list":
        return await listing(library, source or None, number)
    return card.removed_page(removals(await library.removed()), number)


async def _question_of_source(library: Library, source: str) -> ui.LayoutView:
    found = await library.only_from(source)
    known = await library.details(found[: card.SHOWN])
    papers = [known[paper_id].paper for paper_id in found[: card.SHOWN] if paper_id in known]
    shared = len(await library.ids(source=source)) - len(found)
    return card.question_of_source(source, papers, len(found), shared)


async def _take_out(library: Library, paper_ids: Sequence[str]) -> ui.LayoutView:
    gone = await library.remove(paper_ids)
    if not gone:
        return notice(say("Nothing was removed."))
    last, *_ = await library.removed()
    return card.taken_out(len(gone), last)
