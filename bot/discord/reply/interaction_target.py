"""A reply to a command, a click or a form."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import discord

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.connection.codes import UNUSABLE_INTERACTION
from bot.discord.reply.outbox import NOBODY, Outbox
from bot.discord.reply.target import ReplyTarget, partial, reopen
from bot.discord.ui.layout import attached_of, files_of
from bot.discord.ui.permissions import may_thread, missing_to_post

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from discord import ui

    from bot.discord.reply.target import Excuse

log = logging.getLogger(__name__)


class InteractionTarget(ReplyTarget):
    """Answer a command, a click or a modal; if Discord no longer accepts that, answer in its channel.

    An answer that only its asker may see goes to their DMs instead.
    """

    repeats_question = True
    says_thinking = True

    def __init__(self, interaction: discord.Interaction[Any], excuse: Excuse, *, private: bool = False) -> None:
        super().__init__(interaction.user, excuse)
        self._interaction = interaction
        self._private = private
        self._usable = True
        self._first: int | None = None
        self._elsewhere: discord.Message | None = None
        self._outbox = Outbox()
        self.name = f"interaction:{interaction.id}"
        self.channel_id = interaction.channel_id or 0
        self.guild_id = server_of(interaction)
        self.mine = interaction.app_permissions
        self.threadable = not private and self.guild_id is not None and may_thread(interaction.channel)

    async def defer(self) -> None:
        """Acknowledge: Discord waits 3 s for this and 15 minutes for the answer."""
        if self._interaction.response.is_done():
            return
        try:
            await self._interaction.response.defer(thinking=True, ephemeral=self._private)
        except NETWORK_ERRORS as error:
            # If Discord may not have it, the answer is sent as usual; its failure will tell.
            code = getattr(error, "code", None)
            self._usable = code not in UNUSABLE_INTERACTION
            log.warning("defer failed place=%s error=%s code=%s", self.name, type(error).__name__, code)

    def working(self, _at_once: bool = False, /) -> AbstractAsyncContextManager[None]:
        """Do nothing: Discord shows "thinking" for a deferred command."""
        return nullcontext()

    async def post(self, view: ui.LayoutView) -> int:
        """Replace "thinking" with the first message, and post the others after it."""
        if self._usable:
            try:
                return await self._respond(view)
            except discord.HTTPException as error:
                self._give_up_on(error)
        return (await self._post_elsewhere(view)).id

    async def edit(self, view: ui.LayoutView) -> None:
        """Edit the first message; if the interaction has expired, as an ordinary one or with a new one elsewhere."""
        if self._usable:
            try:
                await self._interaction.edit_original_response(view=view, **attached_of(view))
            except discord.HTTPException as error:
                self._give_up_on(error)
            else:
                return
        if self._elsewhere is None and self._private:
            await self._post_elsewhere(view)
            return
        known = self._elsewhere or partial(self._interaction.channel, self._first)
        await known.edit(view=view, allowed_mentions=NOBODY, **attached_of(view))

    async def reopen(self) -> None:
        """Unarchive the channel if it is a thread."""
        await reopen(self._interaction.channel)

    async def settle(self, *, answered: bool) -> None:
        """Do nothing: an interaction is answered once."""

    async def _post_elsewhere(self, view: ui.LayoutView) -> discord.Message:
        target = self._interaction.user if self._private else self._interaction.channel
        assert isinstance(target, discord.abc.Messageable)
        sent = await self._outbox.send(target, view)
        self._elsewhere = self._elsewhere or sent
        return sent

    async def _respond(self, view: ui.LayoutView) -> int:
        if self._first is not None:
            return (await self._follow_up(view)).id
        sent = await self._interaction.edit_original_response(content=None, embeds=[], view=view, **attached_of(view))
        self._first = sent.id
        return sent.id

    async def _follow_up(self, view: ui.LayoutView) -> discord.Message:
        """Post a later message: an ordinary one if the bot may, since only those can be repeated safely."""
        channel: Any = self._interaction.channel
        if not self._private and self._is_home():
            with suppress(discord.Forbidden):
                return await self._outbox.send(channel, view)
        send = self._interaction.followup.send
        return await send(view=view, files=files_of(view), ephemeral=self._private, wait=True)

    def _is_home(self) -> bool:
        """Check whether the bot is a member there and may write."""
        if self.guild_id is None:
            return self._interaction.context.dm_channel
        return not missing_to_post(self._interaction.channel)

    def _give_up_on(self, error: discord.HTTPException) -> None:
        """Mark the interaction as expired; re-raise any other error."""
        if error.code not in UNUSABLE_INTERACTION:
            raise error
        log.warning("interaction expired place=%s code=%d", self.name, error.code)
        self._usable = False


def is_private(interaction: discord.Interaction[Any]) -> bool:
    """Check whether only one person sees the card that was clicked, or whose form was sent."""
    return interaction.message is not None and interaction.message.flags.ephemeral


def server_of(interaction: discord.Interaction[Any]) -> int | None:
    """Find the server if the bot is a member; None in DMs and where only a person installed the bot."""
    return interaction.guild_id if interaction.is_guild_integration() else None
