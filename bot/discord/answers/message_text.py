"""Read what people write to the bot: whether it is a question, and which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord

from bot.discord.ui.markdown import plain

if TYPE_CHECKING:
    from collections.abc import Callable

THREAD_NAME_CHARACTERS = 100

_MENTION = re.compile(r"<(@!?|@&|#)(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_KINDS_WRITTEN_BY_PEOPLE = frozenset({discord.MessageType.default, discord.MessageType.reply})


def is_by_a_person(message: discord.Message) -> bool:
    """Say whether a person wrote the message, rather than a bot, a webhook or Discord itself."""
    return not message.author.bot and message.webhook_id is None and message.type in _KINDS_WRITTEN_BY_PEOPLE


def is_for(message: discord.Message, me: discord.abc.User) -> bool:
    """Say whether a person wrote the message to the bot: in a direct message, or by mentioning it or its own role."""
    return is_by_a_person(message) and (message.guild is None or _mentions(message, me) or names_own_role(message))


def names_own_role(message: discord.Message) -> bool:
    """Say whether the message mentions the role that Discord made for the bot, which has the bot's name."""
    role = message.guild.self_role if message.guild else None
    return role is not None and role in message.role_mentions


def is_reply_to(message: discord.Message, me: discord.abc.User) -> bool:
    """Say whether the message replies to the bot, with or without the ping that mentions it."""
    answered = message.reference.resolved if message.reference else None
    return isinstance(answered, discord.Message) and answered.author.id == me.id


def is_for_nobody_else(message: discord.Message, me: discord.abc.User) -> bool:
    """Say whether a person wrote the message to nobody in particular: without a mention of, or a reply to, others."""
    if not is_by_a_person(message) or not message.content or message.raw_role_mentions or message.mention_everyone:
        return False
    answered = message.reference.resolved if message.reference else None
    to_other = isinstance(answered, discord.Message) and answered.author.id != me.id
    return not to_other and all(user.id == me.id for user in message.mentions)


def question_in(message: discord.Message, me: discord.abc.User, text: str | None = None) -> str:
    """Return the message's text without the mention of the bot, and with names for all other mentions.

    It is empty where the message holds nothing else. `text` is a part of the message to read instead of the whole.
    """
    names: dict[str, Callable[[int], str | None]] = {
        "@": {user.id: user.display_name for user in message.mentions}.get,
        "@&": {role.id: role.name for role in message.role_mentions}.get,
        "#": {channel.id: channel.name for channel in message.channel_mentions}.get,
    }

    own = message.guild.self_role if message.guild else None
    own_role = own.id if own else None

    def name(mention: re.Match[str]) -> str:
        kind, snowflake = mention[1].replace("!", ""), int(mention[2])
        if (kind == "@" and snowflake == me.id) or (kind == "@&" and snowflake == own_role):
            return " "
        return plain(names[kind](snowflake) or "") or " "

    return " ".join(_EMOJI.sub(r"\1", _MENTION.sub(name, message.content if text is None else text)).split())


def words_of(message: discord.Message, me: discord.abc.User, text: str | None = None) -> str:
    """Return what a message says: its own text, what it forwards, and the titles of what its links lead to."""
    titles = [embed.title for embed in message.embeds if embed.title and message.author.id != me.id]
    forwarded = [_forwarded(snapshot) for snapshot in message.message_snapshots]
    return " ".join(filter(None, [question_in(message, me, text), *forwarded, *map(plain, titles)]))


def _forwarded(snapshot: discord.MessageSnapshot) -> str:
    """Return what a forwarded message says; whom it mentions is not known here."""
    titles = [embed.title for embed in snapshot.embeds if embed.title]
    return " ".join(plain(_MENTION.sub(" ", each)) for each in (snapshot.content, *titles))


def thread_name(question: str) -> str:
    """Return a name for a thread about the question, of at most 100 characters."""
    words = plain(question)
    return words if len(words) <= THREAD_NAME_CHARACTERS else words[: THREAD_NAME_CHARACTERS - 1].rstrip() + "…"


def _mentions(message: discord.Message, user: discord.abc.User) -> bool:
    return any(mentioned.id == user.id for mentioned in message.mentions)
