"""The /ask command, and the message menu that asks a message's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.answers.menu_text import text_of
from bot.discord.answers.thread_memory import parent_of
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.ui.discord_limits import LONGEST_QUESTION  # discord.py reads it from the annotation
from bot.discord.ui.markdown import shorten_at_end

if TYPE_CHECKING:
    from bot.discord.services import Bot

HOW: Final = {None: Acknowledge.AS_SET, True: Acknowledge.PRIVATELY, False: Acknowledge.PUBLICLY}


class Ask(commands.Cog):
    """Take questions from the slash command and from the message menu."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._responder = bot.services.responder
        self._store = bot.services.store
        self._menu = app_commands.ContextMenu(name="Ask about this", callback=self._about)

    async def cog_load(self) -> None:
        """Add the menu: discord.py does not find it in a cog."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command()
    @app_commands.describe(
        question="What would you like to know?",
        private="Show the answer only to you?",
    )
    async def ask(
        self,
        interaction: discord.Interaction[Bot],
        question: app_commands.Range[str, 1, LONGEST_QUESTION],
        private: bool | None = None,
    ) -> None:
        """Ask a question about research papers and get an answer with citations."""
        admitted = await self._gate.admit(interaction, ActKind.QUESTION, Audience.ASKERS, HOW[private])
        parent = await parent_of(self._store, interaction.channel, interaction.user.id)
        await self._responder.answer(admitted, question.strip(), parent=parent)

    async def _about(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        admitted = await self._gate.admit(interaction, ActKind.QUESTION, Audience.ASKERS, Acknowledge.AS_SET)
        question = shorten_at_end(await text_of(message, self._bot.user, self._store.answers), LONGEST_QUESTION)
        await self._responder.answer(admitted, question)
