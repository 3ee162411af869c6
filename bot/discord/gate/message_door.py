"""The door that messages come through: whose they are is told by their form, and each passes the gate."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from discord.ext import commands

from bot.discord.gate.addressee import Addressed, AddresseeReader, brings_anything, is_by_a_person, names_own_role
from bot.discord.gate.boundary import tell
from bot.discord.gate.message_burst import Bursts
from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence

    import discord

    from bot.discord.gate.gate import Admitted
    from bot.discord.reply.content import Content
    from bot.discord.services import Bot

    class Reply(Protocol):
        """Yield what is shown to a message."""

        def __call__(
            self,
            message: discord.Message,
            admitted: Admitted,
            *,
            parts: Awaitable[Sequence[discord.Message]] | None = None,
        ) -> AsyncGenerator[Content]:
            """Read and answer it; `parts` ends with all messages of a question that this one starts."""
            ...


class MessageDoor(commands.Cog):
    """Take in messages and the commands in them; `reply` makes what is shown to a question.

    Attributes:
        bursts: the direct messages that belong together.
    """

    def __init__(self, bot: Bot, reply: Reply) -> None:
        self._reply = reply
        self._bot = bot
        self._gate = bot.services.gate
        self._addressing = AddresseeReader(me_of(bot), bot.services.store.threads, listens=bot.intents.message_content)
        self.bursts = Bursts()
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def is_question(self, message: discord.Message) -> bool:
        """Check whether a message that was only overheard asks something."""
        raise NotImplementedError

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message, or do what it commands."""
        if is_by_a_person(message) and (brings_anything(message) or names_own_role(message)):
            async with self.lock_of(message.id):
                await self.handle(message)

    @commands.Cog.listener()
    async def on_command_error(self, context: commands.Context[Bot], error: commands.CommandError) -> None:
        """Say in a sentence why a chat command, or the slash command of the same code, failed."""
        if context.interaction is not None:
            await tell(context.interaction, error)
        else:
            await self._gate.set_language_for(context.message)
            await self._gate.event_of(context).tell(error)

    def lock_of(self, message_id: int) -> asyncio.Lock:
        """Get the lock under which one message is handled, so that an edit waits for the answer to the original."""
        return self._locks.setdefault(message_id, asyncio.Lock())

    async def handle(self, message: discord.Message) -> None:
        """Run the command in a message, or answer what it asks."""
        context = await self._bot.get_context(message)
        addressed = await self._addressing.of(message)
        if is_command(context) and (addressed is Addressed.DIRECTLY or self._bot.intents.message_content):
            await self._bot.invoke(context)
        elif addressed is Addressed.OVERHEARD:
            await self._gate.answer(
                message, partial(self._reply, message), is_question=partial(self.is_question, message)
            )
        elif addressed is Addressed.DIRECTLY and message.guild is None:
            await self._gather(message)
        elif addressed is Addressed.DIRECTLY:
            await self._gate.answer(message, partial(self._reply, message))

    async def _gather(self, message: discord.Message) -> None:
        """Answer a direct message together with those that follow it at once, or add it to the one that it follows."""
        if parts := self.bursts.collect(message):
            try:
                await self._gate.answer(message, partial(self._reply, message, parts=parts), typing=True)
            finally:
                parts.cancel()
        elif not self._gate.has_seen(message.id):
            self.bursts.add(message)
            await self._gate.admit_part(message)


def me_of(bot: Bot) -> discord.ClientUser:
    """Get the bot's own user, which is known once it is logged in."""
    assert bot.user is not None
    return bot.user


async def prefixes(bot: Bot, message: discord.Message) -> list[str]:
    """List what a command may begin with: a mention of the bot, or the server's prefix."""
    mentions = commands.when_mentioned(bot, message)
    settings = await bot.services.store.servers.of(message.guild.id) if message.guild else ServerSettings()
    return [*mentions, settings.prefix]


def is_command(context: commands.Context[Bot]) -> bool:
    """Check whether a message is a command; after a mention, "about that: …" is a question that begins like one."""
    if context.command is None:
        return False
    mentioned = (context.prefix or "").startswith("<@")
    rest = context.view.buffer[context.view.index :].strip()
    if not mentioned or context.command.name == "ask":
        return True
    if any(parameter.required for parameter in context.command.clean_params.values()):
        return bool(rest) and not rest.endswith("?")
    return not rest
