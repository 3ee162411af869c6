"""Tell which messages are for the bot."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from bot.discord.answers.message_text import is_for, is_for_nobody_else, is_reply_to

if TYPE_CHECKING:
    import discord

    from bot.store.threads import Threads


class Addressed(Enum):
    """Say how a message reaches the bot."""

    DIRECTLY = auto()  # by a mention, in a direct message, or as a reply
    OVERHEARD = auto()  # said to nobody in particular, in a thread that the bot opened
    NOT = auto()


class Addressing:
    """Read by a message's form whom it is for; `listens` says whether the bot sees the text of all messages."""

    def __init__(self, me: discord.ClientUser, threads: Threads, *, listens: bool) -> None:
        self._me = me
        self._threads = threads
        self._listens = listens

    async def of(self, message: discord.Message) -> Addressed:
        """Return how a message reaches the bot."""
        if is_for(message, self._me):
            return Addressed.DIRECTLY
        if not self._listens or not is_for_nobody_else(message, self._me):
            return Addressed.NOT
        if is_reply_to(message, self._me):
            return Addressed.DIRECTLY
        return Addressed.OVERHEARD if await self._threads.is_own(message.channel.id) else Addressed.NOT
