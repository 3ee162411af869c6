"""Chat: mentions, replies, direct messages, threads, commands with a prefix, and questions that are edited."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import discord
from discord.ext import commands

from bot.answering.answerer import Attached
from bot.discord.answers.addressing import Addressed, Addressing
from bot.discord.answers.intent import Asked, IntentReader
from bot.discord.answers.message_burst import Bursts
from bot.discord.answers.message_contents import brings_anything, carried, together
from bot.discord.answers.message_text import is_by_a_person, names_own_role, question_in, thread_name
from bot.discord.answers.pdf_attachment import taken
from bot.discord.answers.thread_memory import parent_of
from bot.discord.gate.boundary import tell
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import Audience, Cost
from bot.discord.reply.target import NETWORK_ERRORS, MessageTarget
from bot.discord.ui.people import own_name
from bot.discord.ui.permissions import author_may_thread, may_thread
from bot.language import say
from bot.store import ServerSettings
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.discord.answers.message_burst import Burst
    from bot.discord.answers.message_contents import Carried
    from bot.discord.gate.command_tree import Tree
    from bot.discord.gate.events import MessageEvent
    from bot.discord.gate.gate import Admitted
    from bot.discord.services import Bot
    from bot.store import KeptAnswer

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)  # for so long an answer follows what becomes of its question


class Chat(commands.Cog):
    """Answer each question that is written to the bot once, where it was asked."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._responder = bot.services.responder
        self._store = bot.services.store
        self._intent = IntentReader(bot.services.library, cast("Tree", bot.tree))
        self._addressing = Addressing(self._me, self._store.threads, listens=bot.intents.message_content)
        self._pdfs = bot.services.pdfs
        self._started = datetime.now(UTC)
        self._bursts = Bursts()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @commands.command(name="ask")
    async def ask(self, context: commands.Context[Bot], *, question: str = "") -> None:
        """Ask a question about research papers."""
        await self._respond(cast("MessageEvent", self._gate.event_of(context)), context.message, question)

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
            burst = self._bursts.of(message.id)
            if burst is not None:
                burst.put(message)
            async with self._turn(burst.first.id if burst else message.id):
                await self._hear_again(message, burst.first if burst else message)

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

    @commands.Cog.listener()
    async def on_command_error(self, context: commands.Context[Bot], error: commands.CommandError) -> None:
        """Say in a sentence why a chat command, or the slash command of the same code, failed."""
        if context.interaction is not None:
            await tell(context.interaction, error)
        else:
            await self._gate.speak_to(context.message)
            await self._gate.event_of(context).tell(error)

    @property
    def _me(self) -> discord.ClientUser:
        me = self._bot.user
        assert me is not None
        return me

    def _turn(self, message_id: int) -> asyncio.Lock:
        """Return the lock that puts what happens to one message into an order."""
        return self._turns.setdefault(message_id, asyncio.Lock())

    async def _hear(self, message: discord.Message) -> None:
        """Run the command in a message, or answer what it asks."""
        context = await self._bot.get_context(message)
        addressed = await self._addressing.of(message)
        event = cast("MessageEvent", self._gate.event_of(message))
        if _commanded(context) and (addressed is Addressed.DIRECTLY or self._bot.intents.message_content):
            await self._bot.invoke(context)
        elif addressed is Addressed.OVERHEARD:
            await self._respond(event.overheard(partial(self._intent.asks, question_in(message, self._me))), message)
        elif addressed is Addressed.DIRECTLY and message.guild is None:
            await self._gather(event, message)
        elif addressed is Addressed.DIRECTLY:
            await self._respond(event, message)

    async def _gather(self, event: MessageEvent, message: discord.Message) -> None:
        """Answer a direct message with what follows it at once, or add it to what it follows."""
        if burst := self._bursts.open(message):
            try:
                await self._respond(event, message, burst=burst)
            finally:
                self._bursts.close(burst)
        elif not self._gate.has_seen(message.id):
            self._bursts.add(message)
            try:
                await self._gate.admit(event, Cost.ACTION, Audience.ANYBODY, Acknowledge.PUBLICLY)
            except Exception as error:  # noqa: BLE001  # the one boundary
                await event.tell(error)

    async def _respond(
        self, event: MessageEvent, message: discord.Message, text: str | None = None, burst: Burst | None = None
    ) -> None:
        """Answer what a message, a part of its text or a burst asks, or say a sentence where it asks nothing."""
        try:
            admitted = await self._gate.admit(event, Cost.QUESTION, Audience.ASKERS, Acknowledge.PUBLICLY)
            if burst is not None:
                async with event.target().working(at_once=True):
                    self._gate.acknowledgements.acknowledged(message.id)
                    await burst.settle()
                self._bursts.close(burst)
                if not burst.parts:
                    return
            said = await self._carried(message, text)
            trouble = await self._take(event, message, said)
            if said.pdfs and not said.own:
                read = self._pdfs.at_hand(message.channel.id)
                await event.say(trouble or (taken(read) if read else ""))
                return
            parent = await parent_of(self._store, message.channel, message.author.id, said.pointed)
            wish = await self._intent.of(
                said, own_name(self._bot, message.guild), choosing=parent is not None and bool(parent.answer.choices)
            )
            if not message.content and names_own_role(message):
                wish = _role_named(self._me)
            if isinstance(wish, Asked):
                thread = await self._own_thread(message, wish.text, admitted) if parent is None else None
                document = self._attached(message, alone=bool(said.pdfs) and trouble is None)
                await self._answer(event, message, event.target(thread), wish, parent, document, trouble)
            else:
                await event.say(wish)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await event.tell(error)

    async def _take(self, event: MessageEvent, message: discord.Message, said: Carried) -> str | None:
        """Read the PDF that came with a message, the last if there are several; return why it cannot be read."""
        if not said.pdfs:
            return None
        try:
            async with event.target().working(at_once=True):
                await self._pdfs.take(message.channel.id, said.pdfs[-1])
        except BadInputError as error:
            return str(error)
        return None

    def _attached(self, message: discord.Message, *, alone: bool) -> Attached | None:
        document = self._pdfs.at_hand(message.channel.id)
        return Attached(document, alone) if document else None

    async def _hear_again(self, message: discord.Message, first: discord.Message) -> None:
        """Answer a changed question in the messages of the answer to what it was; hear one that had none."""
        found = await self._find(first.id)
        if found is None and _is_fresh(message.created_at):
            await self._hear(message)
        elif found is not None and _is_fresh(found[0].asked_at):
            await self._respond_again(message, first, *found)

    async def _respond_again(
        self, message: discord.Message, first: discord.Message, kept: KeptAnswer, posted: list[int]
    ) -> None:
        event = cast("MessageEvent", self._gate.event_of(message))
        try:
            await self._gate.admit(event, Cost.QUESTION, Audience.ASKERS, Acknowledge.PUBLICLY)
            context = await self._bot.get_context(message)
            text = context.view.read_rest() if _commanded(context) else None
            wish = await self._intent.of(await self._carried(message, text), own_name(self._bot, message.guild))
            if isinstance(wish, Asked) and wish.text != kept.answer.question:
                parent = await self._store.answers.get(kept.parent_id) if kept.parent_id else None
                await self._store.answers.withdraw(kept.answer_id)
                target = MessageTarget(first, self._channel(kept.channel_id), posted)
                await self._answer(event, first, target, wish, parent)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await event.tell(error)

    async def _answer(
        self,
        event: MessageEvent,
        message: discord.Message,
        target: MessageTarget,
        asked: Asked,
        parent: KeptAnswer | None,
        document: Attached | None = None,
        trouble: str | None = None,
    ) -> None:
        answered = await self._responder.answer(
            target,
            asked.text,
            asker=message.author,
            parent=parent,
            question_message_id=message.id,
            before=asked.before,
            note=" ".join(filter(None, [asked.unread, trouble])) or None,
            document=document,
        )
        event.noted([] if answered else target.posted)

    async def _carried(self, message: discord.Message, text: str | None) -> Carried:
        """Read a message, or a part of its text, with the others of its burst."""
        burst = self._bursts.of(message.id)
        parts = burst.parts if burst else [message]
        return together([await carried(part, self._me, text) for part in parts])

    async def _find(self, message_id: int) -> tuple[KeptAnswer, list[int]] | None:
        """Return the answer to a message and where it stands; only what the bot can have heard is looked up at all.

        That is what it heard since it started, and for a while what was written before.
        """
        earlier = discord.utils.snowflake_time(message_id) < self._started and _is_fresh(self._started)
        if not self._gate.has_seen(message_id) and not earlier:
            return None
        return await self._store.answers.to_question(message_id)

    async def _withdraw(self, message_id: int) -> None:
        burst = self._bursts.of(message_id)
        if burst is not None:
            burst.remove(message_id)
            if self._bursts.is_open(burst):
                return
        first_id = burst.first.id if burst else message_id
        async with self._turn(first_id):
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

    async def _own_thread(self, message: discord.Message, question: str, admitted: Admitted) -> discord.Thread | None:
        """Open a thread at the message, where the server's settings say so and it can be had."""
        may = admitted.settings.threads and may_thread(message.channel) and author_may_thread(message)
        if message.guild is None or not may:
            return None
        try:
            thread = await message.create_thread(name=thread_name(question), auto_archive_duration=1440)
        except NETWORK_ERRORS as error:
            log.warning("no thread message=%d code=%s", message.id, getattr(error, "code", None))
            return None
        await self._store.threads.own(thread.id, message.guild.id, message.author.id)
        return thread

    def _channel(self, channel_id: int) -> Any:  # noqa: ANN401  # whatever kind of channel it is, it has messages
        return self._bot.get_channel(channel_id) or self._bot.get_partial_messageable(channel_id)


async def prefixes(bot: Bot, message: discord.Message) -> list[str]:
    """Return what a command begins with: a mention of the bot, or the server's prefix."""
    mentions = commands.when_mentioned(bot, message)
    settings = await bot.services.store.servers.of(message.guild.id) if message.guild else ServerSettings()
    return [*mentions, settings.prefix]


def _commanded(context: commands.Context[Bot]) -> bool:
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


def _role_named(me: discord.ClientUser) -> str:
    return say(
        "You picked my role, and Discord does not show me the words of such messages. Pick {me} with the app's badge "
        "instead, or use /ask.",
        me=me.mention,
    )


def _is_fresh(moment: datetime) -> bool:
    return datetime.now(UTC) - moment < FRESH
