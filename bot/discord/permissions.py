"""Know, before acting in a channel, which permission is missing there, and what it is called."""

from __future__ import annotations

import discord

from bot.language import say


def author_may_thread(message: discord.Message) -> bool:
    """Say whether whoever wrote a message in a channel may open threads there: the bot opens none for others."""
    author, channel = message.author, message.channel
    if not isinstance(author, discord.Member) or not isinstance(channel, discord.abc.GuildChannel):
        return False
    return channel.permissions_for(author).create_public_threads


def missing_to_answer(channel: object) -> str | None:
    """Return the name of the first permission that the bot lacks to answer in the channel; None where it has all."""
    if not isinstance(channel, (discord.abc.GuildChannel, discord.Thread)):
        return None
    try:
        mine = channel.permissions_for(channel.guild.me)
    except discord.ClientException:  # a thread whose channel the bot does not see
        return say("View Channel")
    if not mine.view_channel:
        return say("View Channel")
    if isinstance(channel, discord.Thread):
        return None if mine.send_messages_in_threads else say("Send Messages in Threads")
    return None if mine.send_messages else say("Send Messages")
