"""A reply to a message."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
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

# The first message, which shows the current activity, comes before; quick answers need no indicator.
TYPING_AFTER = timedelta(seconds=1)


class MessageTarget(ReplyTarget):
    """Reply to a message in its channel or in another one; only the first message of the reply references it.

    Earlier messages of the bot there are rewritten in order; `posted` are the ids of this reply's messages.
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
        """Show the typing indicator, after a while or at once; carry on without it if it is not available."""
        typing = asyncio.create_task(self._type(timedelta(0) if at_once else TYPING_AFTER))
        try:
            yield
        finally:
            typing.cancel()

    async def _type(self, after: timedelta) -> None:
        await asyncio.sleep(after.total_seconds())
        with suppress(*NETWORK_ERRORS):
            async with self._channel.typing():
                self.when_heard()
                await asyncio.Event().wait()

    async def post(self, view: ui.LayoutView) -> int:
        """Reply to the message, or just post if it is gone or the bot may not read the channel's history."""
        if self._destination is not None and self._destination is not self._current:
            self._go_to(self._destination)
        sent = await self._rewrite(view) or await self._send(view)
        self._first = self._first or partial(self._channel, sent)
        self.posted.append(sent)
        return sent

    async def edit(self, view: ui.LayoutView) -> None:
        """Edit the first message."""
        assert self._first is not None
        await self._first.edit(view=view, allowed_mentions=NOBODY, **attached_of(view))

    async def reopen(self) -> None:
        """Unarchive the channel if it is a thread."""
        await reopen(self._channel)

    async def settle(self, *, answered: bool) -> None:
        """After an answer, delete the remaining earlier messages; record a notice, which the next reply replaces."""
        while answered and self._earlier:
            with suppress(*NETWORK_ERRORS):
                await partial(self._channel, self._earlier.pop()).delete()
        self._notices.note(self._asked.id, [] if answered else self.posted)

    async def _rewrite(self, view: ui.LayoutView) -> int | None:
        """Write the view into the next message of the earlier answer; None if there is none left."""
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
