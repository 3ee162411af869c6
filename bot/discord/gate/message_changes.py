"""The door for what becomes of messages: they are edited, or deleted, after the bot heard them."""

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

FRESH = timedelta(minutes=10)  # for so long an answer follows what becomes of its question


class Revision(Protocol):
    """Let an answer follow what became of its question."""

    def anew(
        self,
        first: discord.Message,
        parts: Sequence[discord.Message],
        text: str | None,
        stored: StoredAnswer,
        posted: Sequence[int],
        admitted: Admitted,
    ) -> AsyncGenerator[Content]:
        """Yield the answer to a question of which some `parts` were edited, over what is posted of the earlier one."""
        ...

    async def withdraw(self, stored: StoredAnswer, posted: Sequence[int]) -> None:
        """Take an answer away."""
        ...


class MessageChanges(commands.Cog):
    """Take in edits and deletions of the latest messages."""

    def __init__(self, bot: Bot, door: MessageDoor, revision: Revision) -> None:
        self._bot = bot
        self._door = door
        self._revision = revision
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

    async def _find(self, message_id: int) -> tuple[StoredAnswer, list[int]] | None:
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
        async with self._door.lock_of(first_id):
            found = await self._find(first_id)
            if found is not None and _is_fresh(found[0].asked_at):
                await self._revision.withdraw(*found)


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
