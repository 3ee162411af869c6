"""/trending: what a server has recently asked about and liked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from discord import app_commands
from discord.ext import commands

from bot.discord.gate.availability import in_servers
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.papers.paper_card import trends

if TYPE_CHECKING:
    from bot.discord.services import Bot

DAYS: Final = 30
PAPERS: Final = 10


class Trending(commands.Cog):
    """Show a server's favourite papers."""

    def __init__(self, bot: Bot) -> None:
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._store = bot.services.store

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    @commands.guild_only()
    @in_servers
    @app_commands.describe(days="How many days to look back (30 by default)")
    async def trending(self, ctx: commands.Context[Any], days: commands.Range[int, 1, 90] = DAYS) -> None:
        """See which papers this server asked about and liked."""
        assert ctx.guild is not None
        admitted = await self._gate.admit(ctx, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
        found = await self._store.feedback.trending(ctx.guild.id, since, limit=PAPERS)
        # A paper may have been removed since it was asked about.
        known = [(await self._library.get(trend.paper_id), trend) for trend in found]
        await admitted.target.post(trends([(paper, trend) for paper, trend in known if paper is not None], days))
