"""The /ask command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord.answers.responder import QUESTION_CHARACTERS  # noqa: TC001  # discord.py reads it from the annotation
from bot.discord.answers.thread_memory import parent_of
from bot.discord.gate.reach import privately
from bot.discord.services import take

if TYPE_CHECKING:
    from bot.discord.services import Host


class Ask(commands.Cog):
    """Take questions by the slash command."""

    def __init__(self, bot: Host) -> None:
        self._desk = bot.desk

    @app_commands.command()
    @app_commands.describe(
        question="What would you like to know?",
        private="Show the answer to you alone?",
    )
    async def ask(
        self,
        interaction: discord.Interaction[Host],
        question: app_commands.Range[str, 1, QUESTION_CHARACTERS],
        private: bool | None = None,
    ) -> None:
        """Ask a question about research papers and get an answer with citations."""
        if private is None:
            private = await privately(interaction, self._desk)
        place = await take(interaction, self._desk, private=private)
        parent = await parent_of(self._desk.store, interaction.channel, interaction.user.id)
        await self._desk.reply(place, question.strip(), asker=interaction.user, parent=parent, private=private)
