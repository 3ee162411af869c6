"""Where an answer goes: to a slash command, or under the message that asked."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Protocol

import aiohttp
import discord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from discord import ui

log = logging.getLogger(__name__)

ALREADY_ACKNOWLEDGED = 40060
CANNOT_REPLY_WITHOUT_HISTORY = 160002
UNUSABLE_INTERACTION = frozenset({10062, 10015, 50027})  # unknown; its webhook unknown; its token expired

NETWORK_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError)


class Place(Protocol):
    """Take the messages of one answer, in order."""

    @property
    def name(self) -> str:
        """Return what the log calls the place: its kind and the id of what asked there."""
        ...

    def working(self) -> AbstractAsyncContextManager[None]:
        """Show, while the block runs, that an answer is being made."""
        ...

    async def send(self, view: ui.LayoutView) -> None:
        """Post the next message of the answer; raises what discord.py raises."""
        ...


class InteractionPlace:
    """Answer a slash command; where Discord no longer takes that, answer in its channel."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction
        self._usable = True
        self._begun = False
        self.name = f"interaction:{interaction.id}"

    async def defer(self) -> None:
        """Acknowledge the command: Discord waits 3 s for this and 15 minutes for the answer."""
        try:
            await self._interaction.response.defer(thinking=True)
        except NETWORK_ERRORS as error:
            # A repeated acknowledgement means that an earlier one arrived: the answer can be sent as usual.
            code = getattr(error, "code", None)
            self._usable = code == ALREADY_ACKNOWLEDGED
            log.warning("defer failed place=%s error=%s code=%s", self.name, type(error).__name__, code)

    def working(self) -> AbstractAsyncContextManager[None]:
        """Show nothing: the deferred command says "thinking" by itself."""
        return nullcontext()

    async def send(self, view: ui.LayoutView) -> None:
        """Put the first message in place of "thinking", the others after it."""
        if self._usable:
            try:
                await self._respond(view)
            except discord.HTTPException as error:
                if error.code not in UNUSABLE_INTERACTION:
                    raise
                log.warning("interaction expired place=%s code=%d", self.name, error.code)
                self._usable = False
            else:
                return
        channel = self._interaction.channel
        if isinstance(channel, discord.abc.Messageable):
            await channel.send(view=view)
        else:
            log.warning("no channel to answer in place=%s", self.name)

    async def _respond(self, view: ui.LayoutView) -> None:
        if self._begun:
            await self._interaction.followup.send(view=view, wait=True)
        else:
            await self._interaction.edit_original_response(content=None, embeds=[], view=view)
        self._begun = True


class MessagePlace:
    """Answer a message in its channel; only the first message of the answer replies to it."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._replied = False
        self.name = f"message:{message.id}"

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Show the typing indicator, and carry on without where it is not to be had."""
        typing = asyncio.create_task(self._type())
        try:
            yield
        finally:
            typing.cancel()

    async def _type(self) -> None:
        with suppress(*NETWORK_ERRORS):
            async with self._message.channel.typing():
                await asyncio.Event().wait()

    async def send(self, view: ui.LayoutView) -> None:
        """Reply to the message, or just post where it is gone or the channel's history is closed to us."""
        channel = self._message.channel
        if self._replied:
            await channel.send(view=view)
            return
        try:
            await channel.send(view=view, reference=self._message.to_reference(fail_if_not_exists=False))
        except discord.HTTPException as error:
            if error.code != CANNOT_REPLY_WITHOUT_HISTORY:
                raise
            await channel.send(view=view)
        self._replied = True
