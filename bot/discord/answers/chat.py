"""Chat: mentions, replies, direct messages, threads, commands with a prefix, and questions that are edited."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import discord
from discord.ext import commands

from bot.discord.answers.intent import Asked, Hearing
from bot.discord.answers.message_contents import brings_anything, carried
from bot.discord.answers.message_text import (
    is_by_a_person,
    is_for,
    is_for_nobody_else,
    is_reply_to,
    names_own_role,
    question_in,
    thread_name,
)
from bot.discord.answers.responder import undelivered
from bot.discord.answers.thread_memory import parent_of
from bot.discord.gate.boundary import cause_of, sentence_for, tell
from bot.discord.gate.recent import Recent
from bot.discord.reply.target import NETWORK_ERRORS, MessagePlace
from bot.discord.ui.layout import notice
from bot.discord.ui.permissions import author_may_thread, may_thread, mine_in, missing_to_answer
from bot.language import nearest, say, speak
from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bot.discord.gate.command_tree import Tree
    from bot.discord.services import Host
    from bot.store import KeptAnswer

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)  # for so long an answer follows what becomes of its question
TOLD_AGAIN_SECONDS = 3600.0  # after which somebody is told again why they may not ask
REMEMBERED = 1000


class Chat(commands.Cog):
    """Hear what is written to the bot, and answer each question once, where it was asked."""

    def __init__(self, bot: Host) -> None:
        self.bot = bot
        self._desk = bot.desk
        self._hearing = Hearing(bot.desk.library, cast("Tree", bot.tree), self._me.display_name)
        self._started = datetime.now(UTC)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._notices: Recent[int, list[int]] = Recent(REMEMBERED)
        self._told: Recent[tuple[int, str], float] = Recent(REMEMBERED)

    @commands.command(name="ask")
    async def ask(self, context: commands.Context[Host], *, question: str = "") -> None:
        """Ask a question about research papers."""
        await self._take(context.message, question)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message, or do what it commands."""
        if is_by_a_person(message) and (brings_anything(message) or names_own_role(message)):
            async with self._turn(message.id):
                await self._hear(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Answer anew a question that was changed while its answer is fresh."""
        message = event.message
        if is_by_a_person(message) and message.content and message.edited_at is not None:
            async with self._turn(message.id):
                await self._hear_again(message, message.edited_at.timestamp())

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
            message = context.message
            sentence = sentence_for(cause_of(error), f"message:{message.id}", mine_in(message.channel))
            await context.send(view=notice(sentence))

    @property
    def _me(self) -> discord.ClientUser:
        me = self.bot.user
        assert me is not None
        return me

    def _turn(self, message_id: int) -> asyncio.Lock:
        """Return the lock that puts what happens to one message into an order."""
        return self._turns.setdefault(message_id, asyncio.Lock())

    async def _hear(self, message: discord.Message, version: float = 0.0) -> None:
        """Do what a message is for, where it is to the bot; an edit has a later version."""
        if is_for(message, self._me) or await self._is_meant(message):
            await self._act(message, partial(self._respond, message), version)

    async def _hear_again(self, message: discord.Message, version: float) -> None:
        found = await self._find(message.id)
        if found is None:
            if _is_fresh(message.created_at):
                await self._hear(message, version)
            return
        kept, posted = found
        context = await self.bot.get_context(message)
        text = context.view.read_rest() if _commanded(context) else None
        wish = await self._hearing.wish(await carried(message, self._me, text))
        if isinstance(wish, Asked) and wish.text != kept.answer.question and _is_fresh(kept.asked_at):
            await self._act(message, partial(self._answer_anew, message, wish, kept, posted), version)

    async def _act(self, message: discord.Message, act: Callable[[], Awaitable[None]], version: float) -> None:
        """Do something for whoever wrote to the bot: once, where they may have it done, with every error told them."""

        async def tell_them(error: Exception) -> None:
            sentence = sentence_for(cause_of(error), f"message:{message.id}", mine_in(message.channel))
            await self._notify(message, sentence)

        try:
            speak(await self._language_for(message))
            if self._desk.begin(message.id, tell_them, version) and await self._may_go_on(message):
                await act()
        except Exception as error:  # noqa: BLE001  # the one boundary
            await tell_them(error)

    async def _respond(self, message: discord.Message) -> None:
        context = await self.bot.get_context(message)
        if _commanded(context):
            await self.bot.invoke(context)
        else:
            await self._take(message)

    async def _answer_anew(
        self, message: discord.Message, asked: Asked, kept: KeptAnswer, posted: Sequence[int]
    ) -> None:
        """Answer a question that was changed, in the messages of the answer to what it was."""
        parent = await self._desk.store.answers.get(kept.parent_id) if kept.parent_id else None
        await self._desk.store.answers.withdraw(kept.answer_id)
        place = MessagePlace(message, self._channel(kept.channel_id), posted)
        await self._reply(place, message, asked, parent)

    async def _find(self, message_id: int) -> tuple[KeptAnswer, list[int]] | None:
        """Return the answer to a message and where it stands; only what the bot can have heard is looked up at all.

        That is what it heard since it started, and for a while what was written before.
        """
        earlier = discord.utils.snowflake_time(message_id) < self._started and _is_fresh(self._started)
        if message_id not in self._desk.seen and not earlier:
            return None
        return await self._desk.store.answers.to_question(message_id)

    async def _withdraw(self, message_id: int) -> None:
        async with self._turn(message_id):
            found = await self._find(message_id)
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

    async def _take(self, message: discord.Message, text: str | None = None) -> None:
        """Do what a message wants: answer its question, or say a sentence where it has none."""
        if not message.content and names_own_role(message):
            await self._notify(message, _role_named(self._me))
            return
        said = await carried(message, self._me, text)
        parent = await parent_of(self._desk.store, message.channel, message.author.id, said.pointed)
        wish = await self._hearing.wish(said, choosing=parent is not None and bool(parent.answer.choices))
        if isinstance(wish, Asked):
            await self._answer(message, wish, parent)
        else:
            await self._notify(message, wish)

    async def _answer(self, message: discord.Message, asked: Asked, parent: KeptAnswer | None) -> None:
        """Answer a question in the channel of its message, or in a thread of its own where the server wants that."""
        thread = await self._own_thread(message, asked.text) if parent is None else None
        earlier = self._notices.get(message.id, ()) if thread is None else ()
        await self._reply(MessagePlace(message, thread, earlier), message, asked, parent)

    async def _reply(
        self, place: MessagePlace, message: discord.Message, asked: Asked, parent: KeptAnswer | None
    ) -> None:
        answered = await self._desk.reply(
            place,
            asked.text,
            asker=message.author,
            parent=parent,
            question_message_id=message.id,
            before=asked.before,
            note=asked.unread,
        )
        self._notices[message.id] = [] if answered else place.posted

    async def _notify(self, message: discord.Message, sentence: str) -> None:
        """Say something under a message, in place of what was said there before that is no answer; raises nothing."""
        place = MessagePlace(message, earlier=self._notices.get(message.id, ()))
        try:
            await place.post(notice(sentence))
        except NETWORK_ERRORS as error:
            code = getattr(error, "code", None)
            await self._desk.tell_directly(message.author, undelivered(code, place.channel_id))
        else:
            self._notices[message.id] = place.posted

    async def _own_thread(self, message: discord.Message, question: str) -> discord.Thread | None:
        """Open a thread at the message, where the server's settings say so and it can be had."""
        if message.guild is None or not (may_thread(message.channel) and author_may_thread(message)):
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

    async def _is_meant(self, message: discord.Message) -> bool:
        """Say whether a message without a mention of the bot is to it: a command, a reply, or in its own thread."""
        if not self.bot.intents.message_content:
            return False
        if _commanded(await self.bot.get_context(message)):
            return True
        if not is_for_nobody_else(message, self._me):
            return False
        if is_reply_to(message, self._me):
            return True
        own = await self._desk.store.threads.is_own(message.channel.id)
        return own and await self._hearing.asks(question_in(message, self._me))

    async def _may_go_on(self, message: discord.Message) -> bool:
        """Say whether to act on the message; whoever wrote it is told why not where that disturbs nobody."""
        guild_id = message.guild.id if message.guild else None
        refusal = _lacking(message.channel) or await self._desk.objection(guild_id, message.channel, message.author)
        if refusal:
            if self._is_news(message.author, refusal):
                await self._desk.tell_directly(message.author, refusal)
            return False
        impatience = self._desk.impatience(message.author.id, guild_id)
        if impatience and self._desk.limits.is_first_refusal(message.author.id):
            await self._notify(message, impatience)
        return impatience is None

    def _is_news(self, user: discord.abc.User, sentence: str) -> bool:
        """Say whether somebody was not told this lately: a direct message for each of many messages is a flood."""
        now = time.monotonic()
        told = self._told.get((user.id, sentence))
        if told is not None and now - told < TOLD_AGAIN_SECONDS:
            return False
        self._told[user.id, sentence] = now
        return True

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
    """Say whether the message is a command; after a mention, "about that: …" is a question that begins like one."""
    if context.command is None:
        return False
    mentioned = (context.prefix or "").startswith("<@")
    rest = context.view.buffer[context.view.index :].strip()
    if not mentioned or context.command.name == "ask":
        return True
    if any(parameter.required for parameter in context.command.clean_params.values()):
        return bool(rest) and not rest.endswith("?")
    return not rest


def _lacking(channel: discord.abc.MessageableChannel) -> str | None:
    """Return which permission the bot lacks to answer in a channel; None where it has all."""
    missing = missing_to_answer(channel)
    if missing is None:
        return None
    log.warning("permission missing channel=%d", channel.id)
    return say(
        "I could not answer you in {channel}: I lack the permission “{permission}” there.",
        channel=f"<#{channel.id}>",
        permission=missing,
    )


def _role_named(me: discord.ClientUser) -> str:
    return say(
        "You picked my role, and Discord does not show me the words of such messages. Pick {me} with the app's badge "
        "instead, or use /ask.",
        me=me.mention,
    )


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
