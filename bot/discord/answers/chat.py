"""Chat: mentions, replies, direct messages and messages in its threads, and the prefix command `ask`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discord.ext import commands

from bot.discord.answers.message_text import question_in
from bot.discord.answers.replies import Replies
from bot.discord.answers.revisions import Revisions
from bot.discord.gate.message_changes import MessageChanges
from bot.discord.gate.message_door import MessageDoor, me_of

if TYPE_CHECKING:
    import discord

    from bot.discord.services import Bot


class Chat(MessageDoor):
    """Answer each question that is written to the bot once, in the channel where it was asked."""

    def __init__(self, bot: Bot) -> None:
        self._replies = Replies(bot, me_of(bot))
        super().__init__(bot, self._replies.to)

    async def cog_load(self) -> None:
        """Follow edits and deletions of the questions."""
        await self._bot.add_cog(MessageChanges(self._bot, self, Revisions(self._bot, self._replies)))

    @commands.command(name="ask")
    async def ask(self, context: commands.Context[Bot], *, question: str = "") -> None:
        """Ask a question about research papers."""
        await self._gate.answer(context.message, partial(self._replies.to, context.message, text=question))

    async def is_question(self, message: discord.Message) -> bool:
        """Check whether a message that the bot only overheard asks something."""
        return await self._bot.services.responder.intents.asks(question_in(message, me_of(self._bot)))
