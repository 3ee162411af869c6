"""Answer a question again after it was edited, and delete its answer after it was deleted."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.reply.content import Destination

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import discord

    from bot.discord.answers.replies import Replies
    from bot.discord.gate.gate import Admitted
    from bot.discord.reply.content import Content
    from bot.discord.services import Bot
    from bot.store import StoredAnswer

log = logging.getLogger(__name__)


class Revisions:
    """Keep answers in line with questions that are edited or deleted."""

    def __init__(self, bot: Bot, replies: Replies) -> None:
        self._bot = bot
        self._replies = replies
        self._store = bot.services.store

    async def anew(
        self,
        first: discord.Message,
        parts: Sequence[discord.Message],
        text: str | None,
        stored: StoredAnswer,
        posted: Sequence[int],
        admitted: Admitted,
    ) -> AsyncGenerator[Content]:
        """Yield the answer to a question with edited `parts`, to replace what was `posted` of the earlier one."""

        async def decide(question: str) -> Destination | None:
            if question == stored.answer.question:
                return None
            await self._store.answers.withdraw(stored.answer_id)
            return Destination(first, self._channel(stored.channel_id), posted)

        parent = await self._store.answers.get(stored.parent_id) if stored.parent_id else None
        async for content in self._replies.to_revised(first, admitted, parts, text, parent, decide):
            yield content

    async def withdraw(self, stored: StoredAnswer, posted: Sequence[int]) -> None:
        """Withdraw an answer and delete its messages."""
        await self._store.answers.withdraw(stored.answer_id)
        channel = self._channel(stored.channel_id)
        for message_id in posted:
            with suppress(*NETWORK_ERRORS):
                await channel.get_partial_message(message_id).delete()
        log.info("withdrawn message=%s", stored.question_message_id)

    def _channel(self, channel_id: int) -> Any:  # noqa: ANN401  # whatever kind of channel it is, it has messages
        return self._bot.get_channel(channel_id) or self._bot.get_partial_messageable(channel_id)
