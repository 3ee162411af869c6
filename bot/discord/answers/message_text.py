"""Read the text of people's messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.discord.ui.discord_limits import THREAD_NAME
from bot.discord.ui.markdown import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    import discord


_MENTION = re.compile(r"<(@!?|@&|#)(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")


def question_in(message: discord.Message, me: discord.abc.User, text: str | None = None) -> str:
    """Read the message's text without the mention of the bot, and with names in place of other mentions.

    Empty if there is nothing else. `text` is a part of the message to read instead of all of it.
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
    """Read a message's text, what it forwards, and the titles of its link previews."""
    titles = [embed.title for embed in message.embeds if embed.title and message.author.id != me.id]
    forwarded = [_forwarded(snapshot) for snapshot in message.message_snapshots]
    return " ".join(filter(None, [question_in(message, me, text), *forwarded, *map(plain, titles)]))


def _forwarded(snapshot: discord.MessageSnapshot) -> str:
    """Read a forwarded message; whom it mentions is unknown here."""
    titles = [embed.title for embed in snapshot.embeds if embed.title]
    return " ".join(plain(_MENTION.sub(" ", title)) for title in (snapshot.content, *titles))


def thread_name(question: str) -> str:
    """Make a name for a thread about the question, of at most 100 characters."""
    words = plain(question)
    return words if len(words) <= THREAD_NAME else words[: THREAD_NAME - 1].rstrip() + "…"
