"""The REST routes of users, channels, messages, threads, reactions and guilds, and of the Gateway's address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from .channels import FORUM, NEWS
from .errors import ApiError
from .limits import check_message, check_thread
from .message_bodies import compose, revise
from .router import Routes

if TYPE_CHECKING:
    from .channels import Channel, Message
    from .guilds import Guild
    from .router import Call
    from .users import User
    from .world import World

Payload = dict[str, Any]
routes = Routes()
CROSSPOSTED = 1 << 0


@routes("GET /gateway", "GET /gateway/bot")
def gateway_address(world: World, call: Call) -> Payload:
    """Tell the Gateway's address; only auto-sharded clients ask for it."""
    starts = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": "wss://gateway.discord.gg", "shards": world.shards, "session_start_limit": starts}


@routes("GET /users/@me")
def me(world: World, call: Call) -> Payload:
    return world.bot.payload() | {"verified": True, "mfa_enabled": False, "locale": "en-US"}


@routes("GET /users/{}")
def user(world: World, call: Call, user_id: str) -> Payload:
    return _user(world, user_id).payload()


@routes("POST /users/@me/channels")
def open_dm(world: World, call: Call) -> Payload:
    return world.dm(_user(world, call.body["recipient_id"])).payload()


@routes("GET /channels/{}")
def get_channel(world: World, call: Call, channel_id: str) -> Payload:
    return world.channel(channel_id).payload()


@routes("PATCH /channels/{}")
def edit_channel(world: World, call: Call, channel_id: str) -> Payload:
    thread = world.channel(channel_id)
    if not thread.is_thread or thread.owner is not world.bot:
        thread.demand("manage_threads" if thread.is_thread else "manage_channels")
    check_thread({"name": thread.name} | call.body)
    thread.name = call.body.get("name", thread.name)
    thread.archived = call.body.get("archived", thread.archived)
    thread.locked = call.body.get("locked", thread.locked)
    world.emit("THREAD_UPDATE" if thread.is_thread else "CHANNEL_UPDATE", thread.payload(), guild=thread.guild)
    return thread.payload()


@routes("DELETE /channels/{}")
def delete_channel(world: World, call: Call, channel_id: str) -> Payload:
    channel = world.channel(channel_id)
    channel.demand("manage_threads" if channel.is_thread else "manage_channels")
    channel.delete()
    return channel.payload()


@routes("POST /channels/{}/messages")
def create_message(world: World, call: Call, channel_id: str) -> Payload:
    channel, body = world.channel(channel_id), call.body
    channel.demand("send_messages_in_threads" if channel.is_thread else "send_messages")
    if channel.recipient and not channel.recipient.accepts_dms:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    if channel.archived and channel.locked:
        channel.demand_open()
    if body.get("embeds"):
        channel.demand("embed_links")
    if call.files:
        channel.demand("attach_files")
    if body.get("message_reference") and not discord.Permissions(channel.bot_permissions()).read_message_history:
        raise ApiError(403, 160002, "Cannot reply without permission to read message history")
    if body.get("enforce_nonce") and body.get("nonce") is not None:
        for known in channel.bot_messages:
            if known.nonce == body["nonce"]:
                call.message = known
                return known.payload()
    message = compose(world, call, channel, body)
    if channel.archived:
        channel.reopen()
    return world.post(message).payload()


@routes("GET /channels/{}/messages")
def list_messages(world: World, call: Call, channel_id: str) -> list[Payload]:
    channel = world.channel(channel_id)
    limit, found = (
        int(call.query.get("limit", 50)),
        sorted(channel.messages.values(), key=lambda one: -one.id),
    )
    if "before" in call.query:
        found = [one for one in found if one.id < int(call.query["before"])]
    if "after" in call.query:
        found = [one for one in found if one.id > int(call.query["after"])][-limit:]
    if "around" in call.query:
        found = sorted(found, key=lambda one: abs(one.id - int(call.query["around"])))[:limit]
        found.sort(key=lambda one: -one.id)
    return [_as_read(world, one) for one in found[:limit]]


@routes("GET /channels/{}/messages/{}")
def get_message(world: World, call: Call, channel_id: str, message_id: str) -> Payload:
    world.channel(channel_id).demand("read_message_history")
    return _as_read(world, world.message(channel_id, message_id))


@routes("PATCH /channels/{}/messages/{}")
def edit_message(world: World, call: Call, channel_id: str, message_id: str) -> Payload:
    message = world.message(channel_id, message_id)
    if message.author is not world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    message.channel.demand_open()
    return revise(world, call, message, call.body).payload()


@routes("DELETE /channels/{}/messages/{}")
def delete_message(world: World, call: Call, channel_id: str, message_id: str) -> None:
    message = world.message(channel_id, message_id)
    message.channel.demand_open()
    if message.author is not world.bot:
        message.channel.demand("manage_messages")
    world.remove(message)


@routes("POST /channels/{}/messages/{}/crosspost")
def crosspost(world: World, call: Call, channel_id: str, message_id: str) -> Payload:
    message = world.message(channel_id, message_id)
    if message.channel.type != NEWS:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    message.channel.demand("send_messages" if message.author is world.bot else "manage_messages")
    if message.flags & CROSSPOSTED:
        raise ApiError(400, 40033, "This message has already been crossposted")
    message.flags |= CROSSPOSTED
    return message.payload()


@routes("POST /channels/{}/typing")
def typing(world: World, call: Call, channel_id: str) -> None:
    channel = world.channel(channel_id)
    channel.demand("send_messages_in_threads" if channel.is_thread else "send_messages")
    channel.typing_shown += 1
    channel.typing_at.append(world.clock.now())


@routes("PUT /channels/{}/messages/{}/reactions/{}/@me")
def add_reaction(world: World, call: Call, channel_id: str, message_id: str, emoji: str) -> None:
    message = world.message(channel_id, message_id)
    message.channel.demand_open()
    message.channel.demand("add_reactions", "read_message_history")
    world.react(message, world.bot, emoji)


@routes("DELETE /channels/{}/messages/{}/reactions/{}/@me")
def remove_reaction(world: World, call: Call, channel_id: str, message_id: str, emoji: str) -> None:
    message = world.message(channel_id, message_id)
    world.react(message, world.bot, emoji, added=False)


@routes("POST /channels/{}/messages/{}/threads")
def thread_from_message(world: World, call: Call, channel_id: str, message_id: str) -> Payload:
    message = world.message(channel_id, message_id)
    return _open_thread(world, call, message.channel, message)


@routes("POST /channels/{}/threads")
def thread_alone(world: World, call: Call, channel_id: str) -> Payload:
    parent = world.channel(channel_id)
    return _open_post(world, call, parent) if parent.type == FORUM else _open_thread(world, call, parent, None)


@routes("PUT /channels/{}/thread-members/@me", "DELETE /channels/{}/thread-members/@me")
def thread_membership(world: World, call: Call, channel_id: str) -> None:
    world.channel(channel_id).demand_open()


@routes("GET /guilds/{}")
def get_guild(world: World, call: Call, guild_id: str) -> Payload:
    return world.guild_payload(_guild(world, guild_id))


@routes("GET /guilds/{}/channels")
def guild_channels(world: World, call: Call, guild_id: str) -> list[Payload]:
    return [channel.payload() for channel in world.channels_in(_guild(world, guild_id)) if not channel.is_thread]


@routes("GET /guilds/{}/threads/active")
def active_threads(world: World, call: Call, guild_id: str) -> Payload:
    channels = world.channels_in(_guild(world, guild_id))
    threads = [channel.payload() for channel in channels if channel.is_thread and not channel.archived]
    return {"threads": threads, "members": [], "has_more": False}


@routes("GET /guilds/{}/members/{}")
def get_member(world: World, call: Call, guild_id: str, user_id: str) -> Payload:
    guild = _guild(world, guild_id)
    if int(user_id) not in guild.members:
        raise ApiError(404, 10007, "Unknown Member")
    return guild.member_payload(guild.members[int(user_id)])


@routes("GET /attachments/{}/{}/{}", public=True)
def download(world: World, call: Call, *_ids: str) -> bytes:
    if call.path not in world.attachments:
        raise ApiError(404, 0, "404: Not Found")
    return world.attachments[call.path].data


def _open_thread(world: World, call: Call, parent: Channel, message: Message | None) -> Payload:
    private = not message and call.body.get("type") == 12
    parent.demand("create_private_threads" if private else "create_public_threads")
    if not parent.guild or parent.is_thread:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    check_thread(call.body)
    return world.open_thread(parent, world.bot, call.body, message).payload()


def _open_post(world: World, call: Call, forum: Channel) -> Payload:
    """Open a post in a forum: a thread whose first message has the same id."""
    forum.demand("send_messages")
    if forum.requires_tag and not call.body.get("applied_tags"):
        raise ApiError(400, 40067, "A tag is required to create a forum post in this channel")
    check_thread(call.body)
    check_message(call.body["message"], call.files)
    thread = world.open_thread(forum, world.bot, call.body)
    message = compose(world, call, thread, call.body["message"])
    message.id = thread.id
    world.post(message)
    return thread.payload() | {"message": message.payload()}


def _as_read(world: World, message: Message) -> Payload:
    """Build a message as REST shows it to a bot, which also depends on Message Content."""
    return message.payload(redacted=not (world.message_content or message.readable_without_intent()))


def _guild(world: World, guild_id: str) -> Guild:
    guild = world.guilds.get(int(guild_id))
    if guild is None or not guild.has_bot:
        raise ApiError(404, 10004, "Unknown Guild")
    return guild


def _user(world: World, user_id: str | int) -> User:
    if int(user_id) not in world.users:
        raise ApiError(404, 10013, "Unknown User")
    return world.users[int(user_id)]
