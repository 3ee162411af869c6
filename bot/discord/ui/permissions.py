"""Find out which permission is missing before acting in a channel, and its name."""

from __future__ import annotations

import discord

from bot.language import say

_INVITED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    create_public_threads=True,
    attach_files=True,
)


def invite_link(application_id: int) -> str:
    """Make the link that adds the bot to a server with the permissions it needs and no more."""
    return discord.utils.oauth_url(application_id, permissions=_INVITED, scopes=("bot", "applications.commands"))


def mine_in(channel: object) -> discord.Permissions:
    """Look up the bot's permissions in a channel; all of them where there are none or they are unknown."""
    if not isinstance(channel, (discord.abc.GuildChannel, discord.Thread)) or channel.guild.me is None:
        return discord.Permissions.all()
    try:
        return channel.permissions_for(channel.guild.me)
    except discord.ClientException:  # a thread whose channel the bot cannot see
        return discord.Permissions.none()


def may_thread(channel: object) -> bool:
    """Check whether the bot may open a thread in the channel and write in it."""
    mine = mine_in(channel)
    return isinstance(channel, discord.TextChannel) and mine.create_public_threads and mine.send_messages_in_threads


def author_may_thread(message: discord.Message) -> bool:
    """Check whether a message's author may open threads there: the bot opens none for others."""
    author, channel = message.author, message.channel
    if not isinstance(author, discord.Member) or not isinstance(channel, discord.abc.GuildChannel):
        return False
    return channel.permissions_for(author).create_public_threads


def missing_to_answer(channel: object) -> str | None:
    """Name the first permission that the bot lacks to answer in the channel; None if it has all."""
    missing = missing_to_post(channel)
    return missing[0] if missing else None


def missing_to_post(channel: object, *, history: bool = False, pictures: bool = False) -> list[str]:
    """Name the permissions that the bot lacks to post in a channel, thread or forum.

    `history` includes reading what was posted there, `pictures` attaching them.
    """
    mine = mine_in(channel)
    if not mine.view_channel:
        return [say("View Channel")]
    in_threads = isinstance(channel, (discord.Thread, discord.ForumChannel))
    needed = {
        say("Send Messages"): isinstance(channel, discord.Thread) or mine.send_messages,
        say("Send Messages in Threads"): not in_threads or mine.send_messages_in_threads,
        say("Read Message History"): not history or mine.read_message_history,
        say("Attach Files"): not pictures or mine.attach_files,
    }
    return [name for name, had in needed.items() if not had]


def lacking(mine: discord.Permissions) -> list[str]:
    """Name the permissions in the invite link that the bot does not have."""
    wanted = {
        say("View Channel"): mine.view_channel,
        say("Send Messages"): mine.send_messages,
        say("Send Messages in Threads"): mine.send_messages_in_threads,
        say("Read Message History"): mine.read_message_history,
        say("Create Public Threads"): mine.create_public_threads,
        say("Attach Files"): mine.attach_files,
    }
    return [name for name, had in wanted.items() if not had]
