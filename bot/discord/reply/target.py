"""Where an answer goes: to a slash command or a click, or under the message that asked."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import discord

from bot.discord.connection.codes import CANNOT_REPLY_WITHOUT_HISTORY, UNUSABLE_INTERACTION
from bot.discord.reply.outbox import NOBODY, Outbox
from bot.discord.reply.streamed_message import StreamedMessage
from bot.discord.ui.layout import files_of
from bot.discord.ui.permissions import may_thread, mine_in, missing_to_post

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from discord import ui

log = logging.getLogger(__name__)


# Seconds: the first message, which says what is being done, goes out before; a quick answer needs no more.
TYPING_AFTER = 1.0

NETWORK_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError)


class ReplyTarget(Protocol):
    """Take the messages of one answer, in order."""

    @property
    def name(self) -> str:
        """Return what the log calls it: its kind and the id of what asked there."""
        ...

    @property
    def channel_id(self) -> int:
        """Return the channel, thread or direct message in which the answer appears."""
        ...

    @property
    def guild_id(self) -> int | None:
        """Return the server that the bot is a member of there; None elsewhere."""
        ...

    @property
    def repeats_question(self) -> bool:
        """Say whether the answer has to repeat the question, because nobody else sees it there."""
        ...

    @property
    def says_thinking(self) -> bool:
        """Say whether Discord itself shows there that an answer is being made."""
        ...

    @property
    def mine(self) -> discord.Permissions:
        """Return what the bot may do there, as far as it knows."""
        ...

    @property
    def threadable(self) -> bool:
        """Say whether the talk could go on in a thread."""
        ...

    def working(self) -> AbstractAsyncContextManager[None]:
        """Show, while the block runs, that an answer is being made."""
        ...

    async def post(self, view: ui.LayoutView) -> int:
        """Post the next message of the answer and return its id; raises what discord.py raises."""
        ...

    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message of the answer; raises what discord.py raises."""
        ...

    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""
        ...

    async def tidy(self) -> None:
        """Take away what an earlier answer has left there beyond the messages of this one."""
        ...

    def streamed(self) -> StreamedMessage:
        """Return the first message of the answer, to be written while it grows."""
        ...


class InteractionTarget:
    """Answer a command, a click or a modal; where Discord no longer takes that, answer in its channel.

    An answer that only its asker may see goes to them directly instead.
    """

    def __init__(self, interaction: discord.Interaction[Any], *, private: bool = False) -> None:
        self._interaction = interaction
        self._private = private
        self._usable = True
        self._first: int | None = None
        self._elsewhere: discord.Message | None = None
        self._outbox = Outbox()
        self.name = f"interaction:{interaction.id}"
        self.channel_id = interaction.channel_id or 0
        self.guild_id = server_of(interaction)
        self.repeats_question = True
        self.says_thinking = True
        self.mine = interaction.app_permissions
        self.threadable = not private and self.guild_id is not None and may_thread(interaction.channel)

    async def defer(self) -> None:
        """Acknowledge: Discord waits 3 s for this and 15 minutes for the answer."""
        if self._interaction.response.is_done():
            return
        try:
            await self._interaction.response.defer(thinking=True, ephemeral=self._private)
        except NETWORK_ERRORS as error:
            # Where it is not sure whether Discord has it, the answer is sent as usual: if not, that will tell.
            code = getattr(error, "code", None)
            self._usable = code not in UNUSABLE_INTERACTION
            log.warning("defer failed place=%s error=%s code=%s", self.name, type(error).__name__, code)

    def working(self) -> AbstractAsyncContextManager[None]:
        """Show nothing: the deferred command says "thinking" by itself."""
        return nullcontext()

    async def post(self, view: ui.LayoutView) -> int:
        """Put the first message in place of "thinking", the others after it."""
        if self._usable:
            try:
                return await self._respond(view)
            except discord.HTTPException as error:
                self._give_up_on(error)
        return (await self._post_elsewhere(view)).id

    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message; where the interaction has expired as an ordinary one, or by one elsewhere."""
        if self._usable:
            try:
                await self._interaction.edit_original_response(view=view, **_attached(view))
            except discord.HTTPException as error:
                self._give_up_on(error)
            else:
                return
        if self._elsewhere is None and self._private:
            await self._post_elsewhere(view)
            return
        known = self._elsewhere or _partial(self._interaction.channel, self._first)
        await known.edit(view=view, allowed_mentions=NOBODY, **_attached(view))

    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""
        await _reopen(self._interaction.channel)

    async def tidy(self) -> None:
        """Do nothing: an interaction is answered once."""

    def streamed(self) -> StreamedMessage:
        """Return the message in place of "thinking"."""
        return StreamedMessage(self)

    async def _post_elsewhere(self, view: ui.LayoutView) -> discord.Message:
        target = self._interaction.user if self._private else self._interaction.channel
        assert isinstance(target, discord.abc.Messageable)
        sent = await self._outbox.send(target, view)
        self._elsewhere = self._elsewhere or sent
        return sent

    async def _respond(self, view: ui.LayoutView) -> int:
        if self._first is not None:
            return (await self._follow_up(view)).id
        sent = await self._interaction.edit_original_response(content=None, embeds=[], view=view, **_attached(view))
        self._first = sent.id
        return sent.id

    async def _follow_up(self, view: ui.LayoutView) -> discord.Message:
        """Post a message after the first: as an ordinary one where the bot may, since only that can be repeated."""
        channel: Any = self._interaction.channel
        if not self._private and self._is_home():
            with suppress(discord.Forbidden):
                return await self._outbox.send(channel, view)
        send = self._interaction.followup.send
        return await send(view=view, files=files_of(view), ephemeral=self._private, wait=True)

    def _is_home(self) -> bool:
        """Say whether the bot itself is where it was asked, and may write there."""
        if self.guild_id is None:
            return self._interaction.context.dm_channel
        return not missing_to_post(self._interaction.channel)

    def _give_up_on(self, error: discord.HTTPException) -> None:
        """Note that the interaction has expired; raises the error where it says something else."""
        if error.code not in UNUSABLE_INTERACTION:
            raise error
        log.warning("interaction expired place=%s code=%d", self.name, error.code)
        self._usable = False


class MessageTarget:
    """Answer a message in its channel or in another one; only the first message of the answer replies to it.

    `earlier` are the bot's messages of an answer that this one replaces: they are rewritten in order.
    `posted` are those of this one.
    """

    repeats_question = False
    says_thinking = False

    def __init__(
        self,
        message: discord.Message,
        channel: discord.abc.MessageableChannel | None = None,
        earlier: Sequence[int] = (),
    ) -> None:
        self._message = message
        self._channel = channel or message.channel
        self._earlier = list(earlier)
        self._first: discord.PartialMessage | None = None
        self._outbox = Outbox()
        self.posted: list[int] = []
        self.name = f"message:{message.id}"
        self.channel_id = self._channel.id
        self.guild_id = message.guild.id if message.guild else None
        self.mine = mine_in(self._channel)
        self.threadable = may_thread(self._channel)

    @asynccontextmanager
    async def working(self, *, at_once: bool = False) -> AsyncIterator[None]:
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
        sent = await self._rewrite(view) or await self._send(view)
        self._first = self._first or _partial(self._channel, sent)
        self.posted.append(sent)
        return sent

    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message."""
        assert self._first is not None
        await self._first.edit(view=view, allowed_mentions=NOBODY, **_attached(view))

    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""
        await _reopen(self._channel)

    async def tidy(self) -> None:
        """Delete what is left of the earlier answer."""
        while self._earlier:
            with suppress(*NETWORK_ERRORS):
                await _partial(self._channel, self._earlier.pop()).delete()

    def streamed(self) -> StreamedMessage:
        """Return the reply to the message."""
        return StreamedMessage(self)

    async def _rewrite(self, view: ui.LayoutView) -> int | None:
        """Put the view into the next message of the earlier answer; None where there is none left."""
        while self._earlier:
            known = self._earlier.pop(0)
            try:
                await _partial(self._channel, known).edit(
                    view=view, allowed_mentions=NOBODY, attachments=files_of(view)
                )
            except discord.NotFound:
                continue
            return known
        return None

    async def _send(self, view: ui.LayoutView) -> int:
        if self._first is not None or self._channel.id != self._message.channel.id:
            return (await self._outbox.send(self._channel, view)).id
        reference = self._message.to_reference(fail_if_not_exists=False)
        try:
            sent = await self._outbox.send(self._channel, view, reference=reference)
        except discord.HTTPException as error:
            if error.code != CANNOT_REPLY_WITHOUT_HISTORY:
                raise
            sent = await self._outbox.send(self._channel, view)
        return sent.id


def is_private(interaction: discord.Interaction[Any]) -> bool:
    """Say whether the card that was clicked, or whose form was sent, is seen by one person only."""
    return interaction.message is not None and interaction.message.flags.ephemeral


def server_of(interaction: discord.Interaction[Any]) -> int | None:
    """Return the server that the bot is a member of; None in direct messages and where only a person installed it."""
    return interaction.guild_id if interaction.is_guild_integration() else None


def _partial(channel: Any, message_id: int | None) -> discord.PartialMessage:  # noqa: ANN401  # any kind has messages
    partial: discord.PartialMessage = channel.get_partial_message(message_id)
    return partial


async def _reopen(channel: object) -> None:
    if isinstance(channel, discord.Thread):
        await channel.edit(archived=False)


def _attached(view: ui.LayoutView) -> dict[str, Any]:
    """Return the option that attaches files to an edit; without files it says nothing, and keeps what there is."""
    files = files_of(view)
    return {"attachments": files} if files else {}
