"""The buttons of papers and searches, found by their custom ids, so that they work after restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from discord import ui

from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import Audience
from bot.discord.gate.gate_components import Clickable
from bot.discord.papers.paper_card import PAGE_PAPERS, similar_page
from bot.discord.papers.search_pages import authors_of, find, show_page
from bot.discord.reply.interaction_target import is_private
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.layout import notice
from bot.discord.ui.phrases import title_link
from bot.language import say

if TYPE_CHECKING:
    import discord

    from bot.discord.gate.gate import ActKind
    from bot.discord.gate.gate_components import Gesture
    from retrieval import Library, Paper


class Star(Clickable[ui.Button[Any]], template=ids.STAR + ids.PAPER):
    """Star a paper, or remove the star."""

    async def clicked(self, click: Gesture) -> None:
        """Toggle the star, and tell which it is now."""
        paper = await _paper(self.match["paper"], click.services.library)
        if paper is None:
            sentence = _unknown()
        elif await click.services.store.feedback.star(
            paper.paper_id, click.interaction.user.id, click.admitted.guild_id, private=is_private(click.interaction)
        ):
            sentence = say("⭐ You starred {title}.", title=title_link(paper))
        else:
            sentence = say("You removed your star from {title}.", title=title_link(paper))
        await click.admitted.target.post(notice(sentence))


class Similar(Clickable[ui.Button[Any]], template=ids.SIMILAR + ids.PAPER):
    """Show similar papers."""

    audience = Audience.ASKERS

    async def clicked(self, click: Gesture) -> None:
        """Show them to whoever clicked."""
        paper = await _paper(self.match["paper"], click.services.library)
        if paper is None:
            await click.admitted.target.post(notice(_unknown()))
            return
        hits = await click.services.library.similar(paper.paper_id, limit=PAGE_PAPERS)
        authors = await authors_of([hit.paper for hit in hits], click.services.library)
        await click.admitted.target.post(similar_page(paper, hits, authors=authors))


class Page(Clickable[ui.Button[Any]], template=ids.PAGE + r"(?P<page>\d{1,3}):(?P<token>.+)"):
    """Turn to a page of a search: on the card itself for whoever searched, in private for anybody else."""

    audience = Audience.ASKERS

    @property
    def terms(self) -> tuple[ActKind, Audience, Acknowledge]:
        """The gate's terms: only whoever searched changes the card."""
        how = Acknowledge.ON_CARD if _is_askers(self._interaction) else Acknowledge.PRIVATELY
        return self.act_kind, self.audience, how

    async def clicked(self, click: Gesture) -> None:
        """Turn the page."""
        search = await find(self.match["token"], click.services.store.searches)
        if search is None:
            sentence = say("I no longer know what this search was for. Please search again.")
            await click.interaction.followup.send(view=notice(sentence), ephemeral=True)
            return
        page = await show_page(click.services.library, click.services.store.searches, search, int(self.match["page"]))
        await click.admitted.target.post(page)


ALL: Final[tuple[type[Clickable[Any]], ...]] = (Star, Similar, Page)


def _is_askers(interaction: discord.Interaction[Any]) -> bool:
    """Check whether whoever clicked made the message appear, or it is unknown who did."""
    made = interaction.message.interaction_metadata if interaction.message else None
    return made is None or made.user.id == interaction.user.id


async def _paper(key: str, library: Library) -> Paper | None:
    paper_id = await ids.paper_of(key, library)
    return None if paper_id is None else await library.get(paper_id)


def _unknown() -> str:
    return say("I no longer have that paper.")
