"""A reply to a message."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import discord

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.connection.codes import CANNOT_REPLY_WITHOUT_HISTORY
from bot.discord.reply.content import Destination
from bot.discord.reply.outbox import NOBODY, Outbox
from bot.discord.reply.target import ReplyTarget, partial, reopen
from bot.discord.ui.layout import attached_of, files_of
from bot.discord.ui.permissions import may_thread, mine_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from discord import ui

    from bot.discord.reply.notices import Notices
    from bot.discord.reply.target import Excuse

# Seconds: the first message, which says what is being done, goes out before; a quick answer needs no more.
TYPING_AFTER = 1.0


class MessageTarget(ReplyTarget):
    """Reply to a message in its channel or in another one; only the first message of the reply replies to it.

    Earlier messages of the bot's that stand there are rewritten in order; `posted` are those of this reply.
    """

    repeats_question = False
    says_thinking = False

    def __init__(self, message: discord.Message, excuse: Excuse, notices: Notices) -> None:
        super().__init__(message.author, excuse)
        self._notices = notices
        self.name = f"message:{message.id}"
        self.guild_id = message.guild.id if message.guild else None
        self._first: discord.PartialMessage | None = None
        self._outbox = Outbox()
        self.posted: list[int] = []
        self._go_to(Destination(message, message.channel))

    def _go_to(self, destination: Destination) -> None:
        self._current = destination
        self._asked, self._channel, earlier = destination.message, destination.channel, destination.earlier
        self._earlier = list(self._notices.under(self._asked.id) if earlier is None else earlier)
        self.channel_id = self._channel.id
        self.mine = mine_in(self._channel)
        self.threadable = may_thread(self._channel)

    @asynccontextmanager
    async def working(self, at_once: bool = False, /) -> AsyncIterator[None]:
        """Show the typing indicator, after a while or at once, and carry on without where it is not to be had."""
        typing = asyncio.create_task(self._type(0.0 if at_once else TYPING_AFTER))
        try:
            yield
        finally:
            typing.cancel()

    async def _type(self, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(*NETWORK_ERRORS):
            async with self._channel.typing():
                await asyncio.Event().wait()

    async def post(self, view: ui.LayoutView) -> int:
        """Reply to the message, or just post where it is gone or the channel's history is closed to us."""
        if self._destination is not None and self._destination is not self._current:
            self._go_to(self._destination)
        sent = await self._rewrite(view) or await self._send(view)
        self._first = self._first or partial(self._channel, sent)
        self.posted.append(sent)
        return sent

    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message."""
        assert self._first is not None
        await self._first.edit(view=view, allowed_mentions=NOBODY, **attached_of(view))

    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""
        await reopen(self._channel)

    async def settle(self, *, answered: bool) -> None:
        """Delete what is left of the earlier messages under an answer; what is none gives way to the next reply."""
        while answered and self._earlier:
            with suppress(*NETWORK_ERRORS):
                await partial(self._channel, self._earlier.pop()).delete()
        self._notices.note(self._asked.id, [] if answered else self.posted)

    async def _rewrite(self, view: ui.LayoutView) -> int | None:
        """Put the view into the next message of the earlier answer; None where there is none left."""
        while self._earlier:
            known = self._earlier.pop(0)
            try:
                await partial(self._channel, known).edit(view=view, allowed_mentions=NOBODY, attachments=files_of(view))
            except discord.NotFound:
                continue
            return known
        return None

    async def _send(self, view: ui.LayoutView) -> int:
        if self._first is not None or self._channel.id != self._asked.channel.id:
            return (await self._outbox.send(self._channel, view)).id
        reference = self._asked.to_reference(fail_if_not_exists=False)
        try:
            sent = await self._outbox.send(self._channel, view, reference=reference)
        except discord.HTTPException as error:
            if error.code != CANNOT_REPLY_WITHOUT_HISTORY:
                raise
            sent = await self._outbox.send(self._channel, view)
        return sent.id
