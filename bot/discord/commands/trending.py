"""/trending: what a server asked about and liked lately."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.commands.reach import in_servers, place_for
from bot.discord.render import trends

if TYPE_CHECKING:
    from bot.discord.host import Host

DAYS: Final = 30
PAPERS: Final = 10


class Trending(commands.Cog):
    """Show the papers that a server took to."""

    def __init__(self, bot: Host) -> None:
        self._desk = bot.desk

    @app_commands.command()
    @in_servers
    @app_commands.describe(days="How many days to look back (30 if you leave it out)")
    async def trending(
        self, interaction: discord.Interaction[Any], days: app_commands.Range[int, 1, 90] = DAYS
    ) -> None:
        """See which papers this server asked about and liked."""
        assert interaction.guild_id is not None
        place = await place_for(interaction, self._desk)
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
        found = await self._desk.store.feedback.trending(interaction.guild_id, since, limit=PAPERS)
        # A paper may have left the library since it was asked about.
        known = [(await self._desk.library.get(trend.paper_id), trend) for trend in found]
        await place.post(trends([(paper, trend) for paper, trend in known if paper is not None], days))
