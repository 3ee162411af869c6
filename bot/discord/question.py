"""Read the question out of a message that was sent to the bot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from collections.abc import Callable

_MENTION = re.compile(r"<(@!?|@&|#)(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_KINDS_WRITTEN_BY_PEOPLE = frozenset({discord.MessageType.default, discord.MessageType.reply})


def is_for(message: discord.Message, me: discord.abc.User) -> bool:
    """Say whether a person wrote the message to the bot: in a direct message, or by mentioning it."""
    if message.author.bot or message.webhook_id is not None or message.type not in _KINDS_WRITTEN_BY_PEOPLE:
        return False
    return message.guild is None or any(user.id == me.id for user in message.mentions)


def question_in(message: discord.Message, me: discord.abc.User) -> str:
    """Return the message's text without the mention of the bot, and with names for all other mentions.

    It is empty where the message holds nothing else.
    """
    names: dict[str, Callable[[int], str | None]] = {
        "@": {user.id: user.display_name for user in message.mentions}.get,
        "@&": {role.id: role.name for role in message.role_mentions}.get,
        "#": {channel.id: channel.name for channel in message.channel_mentions}.get,
    }

    def name(mention: re.Match[str]) -> str:
        kind, snowflake = mention[1].replace("!", ""), int(mention[2])
        if kind == "@" and snowflake == me.id:
            return " "
        return names[kind](snowflake) or " "

    text = _EMOJI.sub(r"\1", _MENTION.sub(name, message.content))
    return " ".join(text.split())
