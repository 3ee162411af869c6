"""The message menu that finds papers like what a message says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.answers.menu_text import text_of
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.papers.paper_card import QUERY_CHARACTERS
from bot.discord.papers.search_pages import show_page
from bot.discord.ui.markdown import shorten_at_end
from bot.store import Search

if TYPE_CHECKING:
    from bot.discord.services import Bot


class Menus(commands.Cog):
    """Use messages of others as searches."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._store = bot.services.store
        self._menu = app_commands.ContextMenu(name="Find papers like this", callback=self._find)

    async def cog_load(self) -> None:
        """Add the menu: discord.py does not find it in a cog."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def _find(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        admitted = await self._gate.admit(interaction, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        query = shorten_at_end(await text_of(message, self._bot.user, self._store.answers), QUERY_CHARACTERS)
        await admitted.target.post(await show_page(self._library, self._store.searches, Search(query)))
