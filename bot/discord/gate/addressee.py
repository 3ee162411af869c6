"""Tell which messages are for the bot."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from bot.store.threads import Threads

_KINDS_WRITTEN_BY_PEOPLE = frozenset({discord.MessageType.default, discord.MessageType.reply})


class Addressed(Enum):
    """How a message reaches the bot, if it does."""

    DIRECTLY = auto()  # by a mention, in a direct message, or as a reply
    OVERHEARD = auto()  # said to nobody in particular, in a thread that the bot opened
    NOT = auto()


class AddresseeReader:
    """Tell by a message's form whom it is for.

    `listens` says whether Discord shows the bot the text of all messages, not only of those that mention it.
    """

    def __init__(self, me: discord.ClientUser, threads: Threads, *, listens: bool) -> None:
        self._me = me
        self._threads = threads
        self._listens = listens

    async def of(self, message: discord.Message) -> Addressed:
        """Tell whether a message is addressed to the bot, overheard by it, or neither."""
        if is_dm_or_mention(message, self._me):
            return Addressed.DIRECTLY
        if not self._listens or not is_for_nobody_else(message, self._me):
            return Addressed.NOT
        if is_reply_to(message, self._me):
            return Addressed.DIRECTLY
        return Addressed.OVERHEARD if await self._threads.is_own(message.channel.id) else Addressed.NOT


def is_by_a_person(message: discord.Message) -> bool:
    """Check whether a person wrote the message, rather than a bot, a webhook or Discord itself."""
    return not message.author.bot and message.webhook_id is None and message.type in _KINDS_WRITTEN_BY_PEOPLE


def is_dm_or_mention(message: discord.Message, me: discord.abc.User) -> bool:
    """Check whether a person wrote the message to the bot: in a direct message, or by mentioning it or its own role."""
    return is_by_a_person(message) and (message.guild is None or _mentions(message, me) or names_own_role(message))


def names_own_role(message: discord.Message) -> bool:
    """Check whether the message mentions the bot's own role, which Discord made for it and named after it."""
    role = message.guild.self_role if message.guild else None
    return role is not None and role in message.role_mentions


def is_reply_to(message: discord.Message, me: discord.abc.User) -> bool:
    """Check whether the message replies to the bot, with or without the ping that mentions it."""
    answered = message.reference.resolved if message.reference else None
    return isinstance(answered, discord.Message) and answered.author.id == me.id


def is_for_nobody_else(message: discord.Message, me: discord.abc.User) -> bool:
    """Check whether a person wrote the message, and it neither mentions nor replies to anybody but the bot."""
    if not is_by_a_person(message) or not message.content or message.raw_role_mentions or message.mention_everyone:
        return False
    answered = message.reference.resolved if message.reference else None
    to_other = isinstance(answered, discord.Message) and answered.author.id != me.id
    return not to_other and all(user.id == me.id for user in message.mentions)


def brings_anything(message: discord.Message) -> bool:
    """Check whether a message holds anything that the bot can see: text, a file, a sticker or a poll."""
    return bool(message.content or message.message_snapshots or message.attachments or message.stickers or message.poll)


def _mentions(message: discord.Message, user: discord.abc.User) -> bool:
    return any(mentioned.id == user.id for mentioned in message.mentions)
