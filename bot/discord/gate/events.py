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
    """How an interaction is acknowledged, and so who sees the reply; a message needs no acknowledgement."""

    PUBLICLY = auto()
    PRIVATELY = auto()
    AS_SET = auto()  # as the moderators have set for answers, and to nobody who does not see the card that was clicked
    AS_CARD = auto()  # to whoever sees the card that was clicked
    ON_CARD = auto()  # the card itself is changed
    BY_FORM = auto()  # the form that opens next acknowledges it


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
        """Choose the language: in private replies the person's own first, else the server's."""
        ...

    def obstacle(self) -> str | None:
        """Explain what keeps the bot from replying there at all; None if nothing does."""
        ...

    async def is_for_bot(self) -> bool:
        """Check whether an overheard message asks something; anything addressed to the bot counts."""
        ...

    async def acknowledge(self, how: Acknowledge, private: bool, /) -> ReplyTarget:
        """Show the person that they were heard, and return where the reply goes."""
        ...

    async def tell(self, error: Exception) -> None:
        """Tell in a sentence what went wrong, where that disturbs nobody; raises nothing."""
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
        """Choose the language; in public the server's setting comes first."""
        own = self._interaction.locale
        first = (own, settings.language) if private else (settings.language, own)
        return nearest(*map(str, filter(None, (*first, self._interaction.guild_locale))))

    def obstacle(self) -> None:
        """Return none: Discord accepts replies to interactions anywhere."""

    async def is_for_bot(self) -> bool:
        """Return True: nobody uses a command by accident."""
        return True

    async def acknowledge(self, how: Acknowledge, private: bool, /) -> ReplyTarget:
        """Acknowledge, unless a form is about to open."""
        self._target = target = InteractionTarget(self._interaction, self._excuse, private=private)
        if how is Acknowledge.ON_CARD:
            await self._interaction.response.defer()
        elif how is not Acknowledge.BY_FORM:
            await target.defer()
        self.is_acknowledged = self._interaction.response.is_done()
        return target

    async def tell(self, error: Exception) -> None:
        """Tell it where the answer was to be, otherwise only to the person."""
        if self._target and self._target.is_open:
            await self._target.close(error)
        else:
            await tell(self._interaction, error)


class MessageEvent:
    """A message to the bot, or one that it overhears in a thread of its own.

    `is_question` checks whether an overheard message is a question.
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
        """Return False: everybody in the channel sees the reply."""
        return False

    def language(self, settings: ServerSettings, _private: bool, /) -> str:
        """Choose the server's language: Discord does not tell the author's own."""
        return nearest(settings.language, str(self.guild.preferred_locale) if self.guild else None)

    def obstacle(self) -> str | None:
        """Name the permission that is missing to answer there."""
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
        """Read the message if it was only overheard."""
        return self._is_question is None or await self._is_question()

    async def acknowledge(self, _how: Acknowledge, _private: bool, /) -> ReplyTarget:
        """Return the target under the message, which replaces notices that stand there."""
        self._target = self._reply_target()
        return self._target

    async def tell(self, error: Exception) -> None:
        """Tell it under the message, or by DM if it would disturb others; repeated refusals are told only once."""
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
        """Tell it under the message, in place of an earlier notice."""
        target = self._reply_target()
        try:
            await target.post(notice(await self._excuse(error, target)))
        except NETWORK_ERRORS as failure:
            await self._direct.tell(self.user, undelivered(getattr(failure, "code", None), target.channel_id))
        else:
            await target.settle(answered=False)
