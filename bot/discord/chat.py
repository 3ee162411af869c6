"""Chat: mentions, replies, direct messages, threads, commands with a prefix, and questions that are edited."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import discord
from discord.ext import commands

from bot.discord.boundary import cause_of, sentence_for, tell
from bot.discord.permissions import missing_to_answer
from bot.discord.places import NETWORK_ERRORS, MessagePlace, may_thread
from bot.discord.question import is_by_a_person, is_for, is_for_nobody_else, question_in, thread_name
from bot.discord.render import notice
from bot.discord.talk import parent_of
from bot.language import nearest, say, speak
from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.discord.host import Host

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)  # for so long an answer follows what becomes of its question


class Chat(commands.Cog):
    """Hear what is written to the bot, and answer each question once, where it was asked."""

    def __init__(self, bot: Host) -> None:
        self.bot = bot
        self._desk = bot.desk
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @commands.command(name="ask")
    async def ask(self, context: commands.Context[Host], *, question: str = "") -> None:
        """Ask a question about research papers."""
        message = context.message
        await self._answer(message, question_in(message, self._me, question))

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message, or do what it commands."""
        if not is_by_a_person(message) or not message.content:
            return
        async with self._turn(message.id):
            await self._hear(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Answer anew a question that was changed while its answer is fresh."""
        message = event.message
        if not is_by_a_person(message) or not message.content or message.edited_at is None:
            return
        async with self._turn(message.id):
            await self._hear_again(message)

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
        await self._desk.store.threads.deleted(event.thread_id)

    @commands.Cog.listener()
    async def on_command_error(self, context: commands.Context[Host], error: commands.CommandError) -> None:
        """Say in a sentence why a chat command, or the slash command of the same code, failed."""
        if context.interaction is not None:
            await tell(context.interaction, error)
            return
        with suppress(*NETWORK_ERRORS):
            sentence = sentence_for(cause_of(error), f"message:{context.message.id}")
            await context.send(view=notice(sentence))

    @property
    def _me(self) -> discord.ClientUser:
        me = self.bot.user
        assert me is not None
        return me

    def _turn(self, message_id: int) -> asyncio.Lock:
        """Return the lock that puts what happens to one message into an order."""
        return self._turns.setdefault(message_id, asyncio.Lock())

    async def _hear(self, message: discord.Message) -> None:
        context = await self.bot.get_context(message)
        command = _commanded(context)
        if not (command or await self._is_addressed(message)) or not self._desk.seen.is_new(message.id):
            return
        self._desk.arrivals.add(message.id)
        with self._desk.in_flight.handling():
            speak(await self._language_for(message))
            if not await self._may_go_on(message):
                return
            if command:
                await self.bot.invoke(context)
            else:
                await self._answer(message, question_in(message, self._me))

    async def _hear_again(self, message: discord.Message) -> None:
        found = await self._desk.store.answers.to_question(message.id)
        if found is None:
            if _is_fresh(message.created_at):
                await self._hear(message)
            return
        kept, posted = found
        context = await self.bot.get_context(message)
        text = context.view.read_rest() if _commanded(context) else None
        question = question_in(message, self._me, text)
        if question in ("", kept.answer.question) or not _is_fresh(kept.asked_at):
            return
        with self._desk.in_flight.handling():
            speak(await self._language_for(message))
            parent = await self._desk.store.answers.get(kept.parent_id) if kept.parent_id else None
            await self._desk.store.answers.withdraw(kept.answer_id)
            place = MessagePlace(message, self._channel(kept.channel_id), posted)
            await self._desk.reply(place, question, asker=message.author, parent=parent, question_message_id=message.id)

    async def _withdraw(self, message_id: int) -> None:
        async with self._turn(message_id):
            found = await self._desk.store.answers.to_question(message_id)
            if found is None or not _is_fresh(found[0].asked_at):
                return
            kept, posted = found
            await self._desk.store.answers.withdraw(kept.answer_id)
            await self._delete(kept.channel_id, posted)
            log.info("withdrawn message=%d", message_id)

    async def _delete(self, channel_id: int, message_ids: Iterable[int]) -> None:
        channel = self._channel(channel_id)
        for message_id in message_ids:
            with suppress(*NETWORK_ERRORS):
                await channel.get_partial_message(message_id).delete()

    async def _answer(self, message: discord.Message, question: str) -> None:
        """Answer a question in the channel of its message, or in a thread of its own where the server wants that."""
        replied_to = message.reference.message_id if message.reference else None
        parent = await parent_of(self._desk.store, message.channel, message.author.id, replied_to)
        thread = await self._own_thread(message, question) if parent is None and question else None
        await self._desk.reply(
            MessagePlace(message, thread),
            question,
            asker=message.author,
            parent=parent,
            question_message_id=message.id,
        )

    async def _own_thread(self, message: discord.Message, question: str) -> discord.Thread | None:
        """Open a thread at the message, where the server's settings say so and it can be had."""
        if message.guild is None or not may_thread(message.channel):
            return None
        if not (await self._settings_for(message)).threads:
            return None
        try:
            thread = await message.create_thread(name=thread_name(question), auto_archive_duration=1440)
        except NETWORK_ERRORS as error:
            log.warning("no thread message=%d code=%s", message.id, getattr(error, "code", None))
            return None
        await self._desk.store.threads.own(thread.id, message.guild.id, message.author.id)
        return thread

    async def _is_addressed(self, message: discord.Message) -> bool:
        """Say whether the message is to the bot; in the bot's own threads what is to nobody else is."""
        if is_for(message, self._me):
            return True
        in_thread = self.bot.intents.message_content and isinstance(message.channel, discord.Thread)
        if not in_thread or not is_for_nobody_else(message, self._me):
            return False
        return await self._desk.store.threads.is_own(message.channel.id)

    async def _may_go_on(self, message: discord.Message) -> bool:
        """Say whether to act on the message; whoever wrote it is told why not where that disturbs nobody."""
        guild_id = message.guild.id if message.guild else None
        missing = missing_to_answer(message.channel)
        if missing:
            log.warning("permission missing channel=%d", message.channel.id)
            sentence = say(
                "I could not answer you in {channel}: I lack the permission “{permission}” there.",
                channel=f"<#{message.channel.id}>",
                permission=missing,
            )
            await self._desk.tell_directly(message.author, sentence)
            return False
        objection = await self._desk.objection(guild_id, message.channel, message.author)
        if objection:
            await self._desk.tell_directly(message.author, objection)
            return False
        impatience = self._desk.impatience(message.author.id, guild_id)
        if impatience and self._desk.limits.is_first_refusal(message.author.id):
            with suppress(*NETWORK_ERRORS):
                await MessagePlace(message).post(notice(impatience))
        return impatience is None

    async def _language_for(self, message: discord.Message) -> str:
        settings = await self._settings_for(message)
        return nearest(settings.language, str(message.guild.preferred_locale) if message.guild else None)

    async def _settings_for(self, message: discord.Message) -> ServerSettings:
        return await self._desk.store.servers.of(message.guild.id) if message.guild else ServerSettings()

    def _channel(self, channel_id: int) -> Any:  # noqa: ANN401  # whatever kind of channel it is, it has messages
        return self.bot.get_channel(channel_id) or self.bot.get_partial_messageable(channel_id)


async def prefixes(bot: Host, message: discord.Message) -> list[str]:
    """Return what a command begins with: a mention of the bot, or the server's prefix."""
    mentions = commands.when_mentioned(bot, message)
    settings = await bot.desk.store.servers.of(message.guild.id) if message.guild else ServerSettings()
    return [*mentions, settings.prefix]


def _commanded(context: commands.Context[Host]) -> bool:
    """Say whether the message is a command; after a mention, "help me find …" is a question that begins like one."""
    if context.command is None:
        return False
    mentioned = (context.prefix or "").startswith("<@")
    rest = context.view.buffer[context.view.index :].strip()
    if not mentioned or context.command.name == "ask":
        return True
    return not rest if context.command.name == "help" else bool(rest) and not rest.endswith("?")


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
