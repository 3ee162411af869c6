"""The door for edits and deletions of messages: the bot's answer changes, or goes, with its question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import discord
from discord.ext import commands

from bot.discord.gate.addressee import is_by_a_person
from bot.discord.gate.message_door import is_command

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from bot.discord.gate.gate import Admitted
    from bot.discord.gate.message_door import MessageDoor
    from bot.discord.reply.content import Content
    from bot.discord.services import Bot
    from bot.store import StoredAnswer

FRESH = timedelta(minutes=10)  # how long an answer changes or goes with its question


class Revision(Protocol):
    """Change or remove an answer after its question was edited or deleted."""

    def anew(
        self,
        first: discord.Message,
        parts: Sequence[discord.Message],
        text: str | None,
        stored: StoredAnswer,
        posted: Sequence[int],
        admitted: Admitted,
    ) -> AsyncGenerator[Content]:
        """Yield a new answer to a question after one of its `parts` was edited.

        It takes the place of the earlier answer, `stored`, in the messages `posted`.
        """
        ...

    async def withdraw(self, stored: StoredAnswer, posted: Sequence[int]) -> None:
        """Take an answer away."""
        ...


class MessageChanges(commands.Cog):
    """Handle edits and deletions of recent messages."""

    def __init__(self, bot: Bot, door: MessageDoor, revision: Revision) -> None:
        self._bot = bot
        self._door = door
        self._revision = revision
        self._gate = bot.services.gate
        self._store = bot.services.store
        self._started = datetime.now(UTC)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Answer an edited question again while its answer is fresh; if it had none, handle it as a new message."""
        message = event.message
        if not is_by_a_person(message) or not message.content or message.edited_at is None:
            return
        burst = self._door.bursts.of(message.id)
        if burst is not None:
            burst.put(message)
        first = burst.first if burst else message
        async with self._door.lock_of(first.id):
            found = await self._find(first.id)
            if found is None and _is_fresh(message.created_at):
                await self._door.handle(message)
            elif found is not None and _is_fresh(found[0].asked_at):
                parts = burst.parts if burst else [message]
                context = await self._bot.get_context(message)
                text = context.view.read_rest() if is_command(context) else None
                await self._gate.answer(message, partial(self._revision.anew, first, parts, text, *found))

    @commands.Cog.listener()
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Withdraw the answer to a deleted question, if the answer is fresh."""
        await self._withdraw(event.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Withdraw the answers to questions that were deleted together, if they are fresh."""
        for message_id in event.message_ids:
            await self._withdraw(message_id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Forget a deleted thread, if the bot had opened it."""
        await self._store.threads.forget(event.thread_id)

    async def _find(self, message_id: int) -> tuple[StoredAnswer, list[int]] | None:
        """Find the answer to a message and the ids of the messages that show it; None if there is none.

        To spare the store, a message is looked up only if the gate has seen it, or if the bot started a short while
        ago and the message is older than that.
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
        async with self._door.lock_of(first_id):
            found = await self._find(first_id)
            if found is not None and _is_fresh(found[0].asked_at):
                await self._revision.withdraw(*found)


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
