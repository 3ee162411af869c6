"""Every command beside /ask, one cog a module: what people type, choose and pick from menus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.discord.commands.digest import Digests
from bot.discord.commands.help import Help
from bot.discord.commands.menus import Menus
from bot.discord.commands.papers import Papers
from bot.discord.commands.privacy import Privacy
from bot.discord.commands.search import Search
from bot.discord.commands.settings import Settings
from bot.discord.commands.submit import Submit
from bot.discord.commands.trending import Trending

if TYPE_CHECKING:
    from discord.ext import commands

COGS: Final[tuple[type[commands.Cog], ...]] = (
    Search,
    Papers,
    Trending,
    Submit,
    Help,
    Settings,
    Privacy,
    Menus,
    Digests,
)
