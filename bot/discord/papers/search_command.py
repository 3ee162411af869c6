"""/search: ranked papers, a page at a time."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.papers.paper_card import QUERY_CHARACTERS
from bot.discord.papers.search_pages import show_page
from bot.discord.papers.source_names import SourceNames
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say, say_many
from bot.store import Search as Wanted
from retrieval import BadInputError

if TYPE_CHECKING:
    from bot.discord.services import Bot

AGES: Final = (7, 30, 90, 365)  # days offered for `since`

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_AGE: Final = re.compile(r"(\d{1,4}) ?d(?:ays?)?", re.IGNORECASE)


class Search(commands.Cog):
    """Find papers by words."""

    def __init__(self, bot: Bot) -> None:
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._source_names = SourceNames(bot.services.library)
        self._store = bot.services.store

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    @app_commands.describe(
        query="What should the papers be about?",
        since="Only papers from this day on: 2024, 2024-05 or 2024-05-17",
        source="Only papers of this source",
        sort="Best match first, or newest first",
    )
    @app_commands.choices(
        sort=[
            app_commands.Choice(name="best match", value="best"),
            app_commands.Choice(name="newest", value="newest"),
        ]
    )
    async def search(
        self,
        ctx: commands.Context[Any],
        *,
        query: str,
        since: str | None = None,
        source: str | None = None,
        sort: Literal["best", "newest"] = "best",
    ) -> None:
        """Find papers about something, best match first."""
        day = read_day(since, today=dt.datetime.now(dt.UTC).date()) if since else None
        admitted = await self._gate.admit(ctx, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        wanted = Wanted(
            shorten_at_end(plain(query), QUERY_CHARACTERS),
            since=day,
            source=await self._source_names.read(source) if source else None,
            sort=sort,
        )
        async with admitted.target.working():
            page = await show_page(self._library, self._store.searches, wanted)
        await admitted.target.post(page)

    @search.autocomplete("source")
    async def _sources(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await self._source_names.choices(typed)

    @search.autocomplete("since")
    async def _days(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        today = dt.datetime.now(dt.UTC).date()
        try:
            day = read_day(typed, today=today).isoformat()
        except BadInputError:
            return [
                app_commands.Choice(
                    name=say_many("the last day", "the last {n} days", days),
                    value=(today - dt.timedelta(days=days)).isoformat(),
                )
                for days in AGES
            ]
        return [app_commands.Choice(name=day, value=day)]


def read_day(typed: str, *, today: dt.date) -> dt.date:
    """Parse a year, a month, a day or an age ("30 days") to the first day meant; raises BadInputError."""
    text = typed.strip()
    try:
        if age := _AGE.fullmatch(text):
            return today - dt.timedelta(days=int(age[1]))
        if date := _DATE.fullmatch(text):
            return dt.date(int(date[1]), int(date[2] or 1), int(date[3] or 1))
    except (ValueError, OverflowError):
        pass
    raise BadInputError(say("I do not understand that date; write it like 2024, 2024-05 or 2024-05-17."))
