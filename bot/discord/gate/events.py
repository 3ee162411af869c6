"""The events that the gate sees: who acts where, how to acknowledge it, and how to report errors."""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.gate.boundary import IgnoredError, NotHereError, TooOftenError, cause_of, tell
from bot.discord.reply.direct import undelivered
from bot.discord.reply.interaction_target import InteractionTarget, is_private, server_of
from bot.discord.reply.message_target import MessageTarget
from bot.discord.ui.layout import notice
from bot.discord.ui.permissions import missing_to_answer
from bot.language import nearest, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import discord

    from bot.discord.reply.direct import DirectMessages
    from bot.discord.reply.notices import Notices
    from bot.discord.reply.target import Excuse, ReplyTarget
    from bot.store import ServerSettings

log = logging.getLogger(__name__)


class Acknowledge(Enum):
    """How an interaction is acknowledged, which also decides who sees the reply.

    A message needs no acknowledgement, and everybody in its channel sees the reply.
    """

    PUBLICLY = auto()
    PRIVATELY = auto()
    AS_SET = auto()  # publicly, unless the moderators want private answers or a private card was clicked
    AS_CARD = auto()  # publicly or privately, as the card that was clicked is
    ON_CARD = auto()  # the card that was clicked changes; there is no new message
    BY_FORM = auto()  # by opening a form


class Event(Protocol):
    """One act of a person."""

    id: int
    version: float
    user: discord.abc.User
    channel: Any
    guild: discord.Guild | None
    guild_id: int | None
    is_acknowledged: bool

    def is_private(self, how: Acknowledge, settings: ServerSettings, /) -> bool:
        """Check whether only the person sees the reply."""
        ...

    def language(self, settings: ServerSettings, private: bool, /) -> str:
        """Choose the language of the reply: the person's own in private, the server's in public, if it is known."""
        ...

    def obstacle(self) -> str | None:
        """Explain what keeps the bot from replying there at all; None if nothing does."""
        ...

    async def is_for_bot(self) -> bool:
        """Check whether the act is meant for the bot; an overheard message is if it asks something."""
        ...

    async def acknowledge(self, how: Acknowledge, private: bool, /) -> ReplyTarget:
        """Show the person that they were heard, and return where the reply goes."""
        ...

    async def tell(self, error: Exception) -> None:
        """Tell the person in a sentence what went wrong, without disturbing others; raises nothing."""
        ...


class InteractionEvent:
    """A command, a click, a choice or a form."""

    version = 0.0

    def __init__(self, interaction: discord.Interaction[Any], excuse: Excuse) -> None:
        self._interaction = interaction
        self._excuse = excuse
        self.id = interaction.id
        self.user: discord.abc.User = interaction.user
        self.channel = interaction.channel
        self.guild = interaction.guild
        self.guild_id = server_of(interaction)
        self.is_acknowledged = False
        self._target: InteractionTarget | None = None

    def is_private(self, how: Acknowledge, settings: ServerSettings, /) -> bool:
        """Check whether only the person sees the reply."""
        if how in {Acknowledge.AS_CARD, Acknowledge.ON_CARD}:
            return is_private(self._interaction)
        if how is Acknowledge.AS_SET:
            return settings.private or is_private(self._interaction)
        return how is not Acknowledge.PUBLICLY

    def language(self, settings: ServerSettings, private: bool, /) -> str:
        """Choose the person's own language, or in public the server's if it has set one."""
        own = self._interaction.locale
        first = (own, settings.language) if private else (settings.language, own)
        return nearest(*map(str, filter(None, (*first, self._interaction.guild_locale))))

    def obstacle(self) -> None:
        """Nothing is in the way: Discord accepts replies to interactions anywhere."""

    async def is_for_bot(self) -> bool:
        """Always True: nobody uses a command by accident."""
        return True

    async def acknowledge(self, how: Acknowledge, private: bool, /) -> ReplyTarget:
        """Acknowledge the interaction, unless the form that is about to open will do so."""
        self._target = target = InteractionTarget(self._interaction, self._excuse, private=private)
        if how is Acknowledge.ON_CARD:
            await self._interaction.response.defer()
        elif how is not Acknowledge.BY_FORM:
            await target.defer()
        self.is_acknowledged = self._interaction.response.is_done()
        return target

    async def tell(self, error: Exception) -> None:
        """Say it where the answer would have been; if there is no such place yet, only to the person."""
        if self._target and self._target.is_open:
            await self._target.close(error)
        else:
            await tell(self._interaction, error)


class MessageEvent:
    """A message to the bot, or one that it overhears in a thread of its own.

    `is_question` checks whether an overheard message is a question; None if the message is addressed to the bot.
    """

    is_acknowledged = False

    def __init__(
        self,
        message: discord.Message,
        excuse: Excuse,
        notices: Notices,
        direct: DirectMessages,
        is_question: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._message = message
        self._excuse = excuse
        self._notices = notices
        self._direct = direct
        self._is_question = is_question
        self.id = message.id
        self.version = message.edited_at.timestamp() if message.edited_at else 0.0
        self.user: discord.abc.User = message.author
        self.channel = message.channel
        self.guild = message.guild
        self.guild_id = message.guild.id if message.guild else None
        self._target: MessageTarget | None = None

    def is_private(self, _how: Acknowledge, _settings: ServerSettings, /) -> bool:
        """Always False: everybody in the channel sees the reply."""
        return False

    def language(self, settings: ServerSettings, _private: bool, /) -> str:
        """Choose the server's language: Discord does not tell which one the author uses."""
        return nearest(settings.language, str(self.guild.preferred_locale) if self.guild else None)

    def obstacle(self) -> str | None:
        """Name the permission that the bot lacks to answer there; None if it lacks none."""
        missing = missing_to_answer(self.channel)
        if missing is None:
            return None
        log.warning("permission missing channel=%d", self.channel.id)
        return say(
            "I could not answer you in {channel}: I lack the permission “{permission}” there.",
            channel=f"<#{self.channel.id}>",
            permission=missing,
        )

    async def is_for_bot(self) -> bool:
        """Tell whether the message is for the bot; one that it only overheard must ask something."""
        return self._is_question is None or await self._is_question()

    async def acknowledge(self, _how: Acknowledge, _private: bool, /) -> ReplyTarget:
        """Aim the reply under the message; it replaces any notice that the bot has already left there."""
        self._target = self._reply_target()
        return self._target

    async def tell(self, error: Exception) -> None:
        """Say it under the message, or by DM where the bot may not answer; of refusals in a row only the first is told.

        A message that was only overheard gets no DM.
        """
        cause = cause_of(error)
        if isinstance(cause, IgnoredError) or (isinstance(cause, TooOftenError) and cause.already_told):
            return
        if self._target and self._target.is_open:
            await self._target.close(cause)
        elif not isinstance(cause, NotHereError):
            await self._say(cause)
        elif self._is_question is None:
            await self._direct.tell_once(self.user, await self._excuse(cause, self._reply_target()))

    def _reply_target(self) -> MessageTarget:
        return MessageTarget(self._message, self._excuse, self._notices)

    async def _say(self, error: Exception) -> None:
        """Say it under the message, in place of an earlier notice; by DM if that fails."""
        target = self._reply_target()
        try:
            await target.post(notice(await self._excuse(error, target)))
        except NETWORK_ERRORS as failure:
            await self._direct.tell(self.user, undelivered(getattr(failure, "code", None), target.channel_id))
        else:
            await target.settle(answered=False)
