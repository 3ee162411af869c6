"""What becomes of questions: one that is edited is answered anew, the answer to one that is deleted goes with it."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.gate.addressing import is_by_a_person
from bot.discord.gate.message_door import is_command
from bot.discord.reply.message_target import MessageTarget

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from bot.discord.answers.replies import Replies
    from bot.discord.gate.gate import Admitted
    from bot.discord.gate.message_door import MessageDoor
    from bot.discord.reply.content import Content
    from bot.discord.services import Bot
    from bot.store import KeptAnswer

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)  # for so long an answer follows what becomes of its question


class Revisions(commands.Cog):
    """Let the answers to the latest messages follow what becomes of those."""

    def __init__(self, bot: Bot, door: MessageDoor, replies: Replies) -> None:
        self._bot = bot
        self._door = door
        self._replies = replies
        self._gate = bot.services.gate
        self._store = bot.services.store
        self._started = datetime.now(UTC)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Answer anew a question that was changed while its answer is fresh; hear one that had none."""
        message = event.message
        if not is_by_a_person(message) or not message.content or message.edited_at is None:
            return
        burst = self._door.bursts.of(message.id)
        if burst is not None:
            burst.put(message)
        first = burst.first if burst else message
        async with self._door.turn(first.id):
            found = await self._find(first.id)
            if found is None and _is_fresh(message.created_at):
                await self._door.hear(message)
            elif found is not None and _is_fresh(found[0].asked_at):
                parts = burst.parts if burst else [message]
                await self._gate.answer(message, partial(self._reply_anew, message, first, parts, *found))

    @commands.Cog.listener()
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Withdraw the answer to a question that was deleted while the answer is fresh."""
        await self._withdraw(event.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Withdraw the fresh answers to all questions that were deleted together."""
        for message_id in event.message_ids:
            await self._withdraw(message_id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Forget a thread of the bot's that was deleted."""
        await self._store.threads.deleted(event.thread_id)

    async def _reply_anew(
        self,
        message: discord.Message,
        first: discord.Message,
        parts: Sequence[discord.Message],
        kept: KeptAnswer,
        posted: list[int],
        admitted: Admitted,
    ) -> AsyncGenerator[Content]:
        """Yield the answer to what a question was changed into, over the answer to what it was."""

        async def decide(question: str) -> bool:
            if question == kept.answer.question:
                return False
            await self._store.answers.withdraw(kept.answer_id)
            assert isinstance(admitted.target, MessageTarget)
            admitted.target.place(first, self._channel(kept.channel_id), posted)
            return True

        context = await self._bot.get_context(message)
        text = context.view.read_rest() if is_command(context) else None
        parent = await self._store.answers.get(kept.parent_id) if kept.parent_id else None
        async for content in self._replies.to_revised(first, admitted, parts, text, parent, decide):
            yield content

    async def _find(self, message_id: int) -> tuple[KeptAnswer, list[int]] | None:
        """Return the answer to a message and where it stands; only what the bot can have heard is looked up at all.

        That is what it heard since it started, and for a while what was written before.
        """
        earlier = discord.utils.snowflake_time(message_id) < self._started and _is_fresh(self._started)
        if not self._gate.has_seen(message_id) and not earlier:
            return None
        return await self._store.answers.to_question(message_id)

    async def _withdraw(self, message_id: int) -> None:
        burst = self._door.bursts.of(message_id)
        if burst is not None:
            burst.remove(message_id)
            if burst.is_open:
                return
        first_id = burst.first.id if burst else message_id
        async with self._door.turn(first_id):
            found = await self._find(first_id)
            if found is None or not _is_fresh(found[0].asked_at):
                return
            kept, posted = found
            await self._store.answers.withdraw(kept.answer_id)
            await self._delete(kept.channel_id, posted)
            log.info("withdrawn message=%d", message_id)

    async def _delete(self, channel_id: int, message_ids: Iterable[int]) -> None:
        channel = self._channel(channel_id)
        for message_id in message_ids:
            with suppress(*NETWORK_ERRORS):
                await channel.get_partial_message(message_id).delete()

    def _channel(self, channel_id: int) -> Any:  # noqa: ANN401  # whatever kind of channel it is, it has messages
        return self._bot.get_channel(channel_id) or self._bot.get_partial_messageable(channel_id)


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
