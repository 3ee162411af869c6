"""/paper, /similar and /compare: papers chosen by their titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.papers.paper_card import PAGE_PAPERS, paper_card, similar_page
from bot.discord.papers.search_pages import authors_of
from bot.discord.papers.title_choices import Titles, unknown
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from bot.discord.services import Bot
    from retrieval import Paper

TITLE_CHARACTERS: Final = 300  # of each title in the question that /compare asks


class Papers(commands.Cog):
    """Show a paper, similar papers, and a comparison with another."""

    def __init__(self, bot: Bot) -> None:
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._store = bot.services.store
        self._responder = bot.services.responder
        self._titles = Titles(bot.services.library)

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    @app_commands.describe(paper="Part of its title, its arXiv id or its link")
    async def paper(self, ctx: commands.Context[Any], *, paper: str) -> None:
        """Show a paper with its abstract."""
        admitted = await self._gate.admit(ctx, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        found = await self._find(paper)
        starred = await self._store.feedback.starred(found.paper_id, ctx.author.id)
        authors = await authors_of([found], self._library)
        await admitted.target.post(paper_card(found, authors.get(found.paper_id, ()), starred=starred))

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    @app_commands.describe(paper="Part of its title, its arXiv id or its link")
    async def similar(self, ctx: commands.Context[Any], *, paper: str) -> None:
        """Find papers like one that you name."""
        admitted = await self._gate.admit(ctx, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        found = await self._find(paper)
        async with admitted.target.working():
            # The paper itself may be among the hits; the page leaves it out.
            hits = await self._library.similar(found.paper_id, limit=PAGE_PAPERS + 1)
            authors = await authors_of([hit.paper for hit in hits], self._library)
        await admitted.target.post(similar_page(found, hits, authors=authors))

    @app_commands.command()
    @app_commands.describe(first="The first paper: part of its title", second="The second paper: part of its title")
    async def compare(self, interaction: discord.Interaction[Any], first: str, second: str) -> None:
        """Ask how two papers differ."""
        admitted = await self._gate.admit(interaction, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        one, other = await self._find(first), await self._find(second)
        if one.paper_id == other.paper_id:
            raise BadInputError(say("That is the same paper twice: please name two."))
        await self._responder.answer(admitted, comparison(one, other))

    @similar.autocomplete("paper")
    @paper.autocomplete("paper")
    @compare.autocomplete("first")
    @compare.autocomplete("second")
    async def _choices(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await self._titles.choices(typed)

    async def _find(self, typed: str) -> Paper:
        """Find the paper that was chosen or typed; raises BadInputError."""
        paper = await self._titles.paper(typed)
        if paper is None:
            raise unknown(typed)
        return paper


def comparison(one: Paper, other: Paper) -> str:
    """Write the question how two papers differ, in English."""
    first, second = (shorten_at_end(plain(paper.title), TITLE_CHARACTERS) for paper in (one, other))
    return f"Compare “{first}” and “{second}”"
