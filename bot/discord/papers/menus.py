"""The menu of a message: ask its text as a question, or find papers like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.answers.message_text import words_of
from bot.discord.gate.reach import place_for, privately
from bot.discord.papers.search_pages import show_page
from bot.discord.services import take
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say
from bot.store import Search
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from bot.discord.services import Host

QUESTION_CHARACTERS: Final = 1000
QUERY_CHARACTERS: Final = 300


class Menus(commands.Cog):
    """Take messages that others wrote as questions; only the text of the one message is read."""

    def __init__(self, bot: Host) -> None:
        self._bot = bot
        self._desk = bot.desk
        self._menus = [
            app_commands.ContextMenu(name="Ask about this", callback=self._ask),
            app_commands.ContextMenu(name="Find papers like this", callback=self._find),
        ]

    async def cog_load(self) -> None:
        """Add the menus: discord.py does not find them in a cog by itself."""
        for menu in self._menus:
            self._bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take the menus away."""
        for menu in self._menus:
            self._bot.tree.remove_command(menu.name, type=menu.type)

    async def _ask(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        private = await privately(interaction, self._desk)
        place = await take(interaction, self._desk, private=private)
        question = shorten_at_end(await self._text(message), QUESTION_CHARACTERS)
        await self._desk.reply(place, question, asker=interaction.user, private=private)

    async def _find(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        place = await place_for(interaction, self._desk)
        query = shorten_at_end(await self._text(message), QUERY_CHARACTERS)
        await place.post(await show_page(self._desk.library, self._desk.store.searches, Search(query)))

    async def _text(self, message: discord.Message) -> str:
        """Return what a message says, of an answer of the bot's what was asked; raises BadInputError."""
        me = self._bot.user
        assert me is not None
        kept = await self._desk.store.answers.of_message(message.id) if message.author.id == me.id else None
        text = plain(kept.answer.standalone_question if kept else words_of(message, me))
        if not text:
            raise BadInputError(say("There is no text in that message that I could look for."))
        return text
