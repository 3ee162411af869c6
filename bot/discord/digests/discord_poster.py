"""Post digests to Discord: each once, in channels, threads, forums and direct messages."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import aiohttp
import discord
from discord import utils
from discord.http import MultipartParameters, handle_message_parameters

from bot.digest import GoneError, UnavailableError
from bot.discord.connection.codes import (
    ARCHIVED,
    AUTOMOD,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_TO_THIS_PERSON,
    TAG_REQUIRED,
    THREAD_EXISTS,
    TOO_MANY_THREADS,
    UNKNOWN_CHANNEL,
    is_for_good,
    is_slow_down,
)
from bot.discord.digests.digest_card import Mark, digest_cards, shown_hint, thread_name
from bot.discord.reply.outbox import NOBODY
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import WEEK_UNTIL_ARCHIVED, archive_minutes
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, shorten
from bot.discord.ui.permissions import may_thread, mine_in, missing_to_post
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence
    from datetime import datetime

    from bot.digest import Digest
    from bot.discord.digests.digest_card import DigestCard
    from bot.discord.ui.command_links import CommandLinks
    from bot.discord.ui.layout import Card
    from bot.store import Posted, Subscription

log = logging.getLogger(__name__)

Destination: TypeAlias = "discord.abc.MessageableChannel | discord.ForumChannel"

# Discord allows 50 calls a second; the others are for answers.
POSTS_PER_SECOND: Final = 20
# Messages to search for a digest; the search starts within minutes of when it was posted.
LOOKED_THROUGH: Final = 1000
RECENT: Final = timedelta(hours=1)  # how far back to look for a forum post from an earlier try

PUBLISHING: Final = timedelta(seconds=5)  # Discord lets a channel publish ten messages an hour
REASON_CHARACTERS: Final = 200  # of Discord's reason for a refusal


class DiscordPoster:
    """Post digests as the bot; GoneError is what Discord refuses for good, UnavailableError what may pass."""

    def __init__(self, client: discord.Client, links: CommandLinks) -> None:
        self._client = client
        self._links = links
        self._next = 0.0
        self._publishing: set[asyncio.Task[None]] = set()

    async def post(
        self, subscription: Subscription, digest: Digest, *, nonce: str, posted: Posted
    ) -> AsyncGenerator[Posted]:
        """Post what is missing of a digest, and yield what is posted so far; only the first message may notify.

        What does not fit into one message goes into a thread on it, or into the channel after it if there can be no
        thread.
        """
        with poster_errors(subscription):
            destination = await self._destination(subscription)
            _demand(destination)
            name, mark = thread_name(digest), Mark(subscription.subscription_id, nonce)
            pictures, hint = mine_in(destination).attach_files, await self._links.linked(shown_hint(digest))
            for card in digest_cards(digest, mark, hint=hint, with_picture=pictures, posted=posted):
                if not posted.message_ids:
                    posted = posted.plus(await self._begin(destination, name, card, nonce), card.papers)
                    yield posted
                else:
                    before = len(posted.message_ids)
                    async with aclosing(self._go_on(destination, name, card, nonce, posted)) as steps:
                        async for posted in steps:
                            yield posted
                    if len(posted.message_ids) == before:
                        break
                if subscription.crosspost and posted.rest_id in {None, destination.id}:
                    await self._publish(destination, posted.message_ids[-1])

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime, posted: Posted) -> Posted:
        """Find what is posted of a digest, including the next part if a message carries its nonce in a button."""
        if posted.message_ids and posted.rest_id is None:
            return posted  # no other part was tried
        with poster_errors(subscription):
            destination = await self._destination(subscription)
            if isinstance(destination, discord.ForumChannel) and not posted.message_ids:
                found = await self._find_post(destination, nonce, since)
            else:
                _demand(destination, history=True)
                found = await self._find_part(destination, nonce, since, posted)
        return posted if found is None else posted.plus(found.id, papers_in(found))

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        """Send a person one sentence in a direct message."""
        with poster_errors(None):
            await self._turn()
            channel = await self._client.create_dm(discord.Object(owner_id))
            await channel.send(view=notice(await self._links.linked(sentence)), nonce=nonce)

    async def _destination(self, subscription: Subscription) -> Destination:
        """Find the destination of a subscription; raises Discord's error if it is gone."""
        if subscription.kind == "dm":
            return await self._client.create_dm(discord.Object(subscription.place_id))
        guild = self._client.get_guild(subscription.guild_id or 0)
        if guild is not None and guild.unavailable:
            raise UnavailableError(say("Discord has that server switched off for now."))
        if known := self._client.get_channel(subscription.place_id):
            return cast("Destination", known)
        destination = await self._client.fetch_channel(subscription.place_id)
        return cast("Destination", destination if guild is not None else await self._elsewhere(destination))

    async def _elsewhere(self, destination: object) -> object:
        """Fetch a channel of a server that another process is connected for, with the bot's permissions there."""
        if not isinstance(destination, (discord.abc.GuildChannel, discord.Thread)):
            return destination
        assert self._client.user is not None
        guild = await self._client.fetch_guild(destination.guild.id, with_counts=False)
        # discord.py fills these from the gateway only.
        guild._add_member(await guild.fetch_member(self._client.user.id))  # noqa: SLF001
        if isinstance(destination, discord.Thread):
            parent = await guild.fetch_channel(destination.parent_id)
            guild._add_channel(cast("discord.TextChannel", parent))  # noqa: SLF001
        return await guild.fetch_channel(destination.id)

    async def _send(
        self, destination: discord.abc.MessageableChannel, card: Card, nonce: str, *, silent: bool = False
    ) -> discord.Message:
        await self._turn()
        try:
            return await destination.send(view=card, files=card.files(), nonce=nonce, silent=silent)
        except discord.HTTPException as error:
            if error.code != ARCHIVED or not isinstance(destination, discord.Thread):
                raise
        await destination.edit(archived=False)
        return await destination.send(view=card, files=card.files(), nonce=nonce, silent=silent)

    async def _begin(self, destination: Destination, name: str, card: Card, nonce: str) -> int:
        """Post the first part and return its id; forum posts have no nonces, so look for an earlier one first."""
        if not isinstance(destination, discord.ForumChannel):
            return (await self._send(destination, card, nonce)).id
        found = await self._find_post(destination, nonce, utils.utcnow() - RECENT)
        await self._turn()
        return found.id if found else await _open_once(destination, name, card)

    async def _go_on(
        self, destination: Destination, name: str, card: DigestCard, nonce: str, posted: Posted
    ) -> AsyncGenerator[Posted]:
        """Post another part; yields where the remaining parts go before it, and what is posted after it.

        The part is left out if people deleted the forum post that it belongs to.
        """
        if posted.rest_id is None:
            posted = replace(posted, rest_id=await _destination_of_rest(destination, posted.message_ids[0], name))
            yield posted
        own, silent = f"{nonce}{len(posted.message_ids)}", True
        try:
            sent = await self._send(self._rest(destination, posted), card, own, silent=silent)
        except discord.HTTPException as error:
            if posted.rest_id == destination.id or not is_for_good(error):
                raise
            if isinstance(destination, discord.ForumChannel):
                if error.code == UNKNOWN_CHANNEL:
                    return
                raise
            # The thread was closed or deleted.
            posted = replace(posted, rest_id=destination.id)
            yield posted
            sent = await self._send(destination, card, own, silent=silent)
        yield posted.plus(sent.id, card.papers)

    def _rest(self, destination: Destination, posted: Posted) -> discord.abc.MessageableChannel:
        """The channel or thread of the parts after the first."""
        if posted.rest_id == destination.id:
            return cast("discord.abc.MessageableChannel", destination)
        assert posted.rest_id is not None
        known = self._client.get_channel(posted.rest_id)
        guild_id = destination.guild.id if destination.guild else None
        return cast("discord.Thread", known or self._client.get_partial_messageable(posted.rest_id, guild_id=guild_id))

    async def _find_part(
        self, destination: Destination, nonce: str, since: datetime, posted: Posted
    ) -> discord.Message | None:
        """Find the next part of a digest, None if it was not posted."""
        number = len(posted.message_ids)
        where = self._rest(destination, posted) if number else cast("discord.abc.MessageableChannel", destination)
        after = discord.Object(posted.message_ids[-1]) if number else since
        try:
            async for message in where.history(after=after, limit=LOOKED_THROUGH, oldest_first=True):
                if self._is_mine(message) and bears(message, nonce, number):
                    return message
        except discord.NotFound:
            if where is destination:
                raise
        return None

    async def _find_post(self, forum: discord.ForumChannel, nonce: str, since: datetime) -> discord.Message | None:
        """Find the forum post with this nonce by its first message, None if there is none."""
        for thread in await forum.guild.active_threads():
            mine = thread.parent_id == forum.id and self._client.user and thread.owner_id == self._client.user.id
            if not mine or utils.snowflake_time(thread.id) < since:
                continue
            with suppress(discord.NotFound):  # somebody deleted it
                message = await thread.fetch_message(thread.id)
                if bears(message, nonce, 0):
                    return message
        return None

    async def _publish(self, destination: Destination, message_id: int) -> None:
        """Start to publish a message, and wait for that, but no longer than PUBLISHING."""
        publishing = asyncio.create_task(_publish(destination, message_id))
        self._publishing.add(publishing)
        publishing.add_done_callback(self._publishing.discard)
        await asyncio.wait([publishing], timeout=PUBLISHING.total_seconds())

    def _is_mine(self, message: discord.Message) -> bool:
        return self._client.user is not None and message.author.id == self._client.user.id

    async def _turn(self) -> None:
        """Wait until the rate limit lets the next message be sent."""
        loop = asyncio.get_running_loop()
        turn = max(self._next, loop.time())
        self._next = turn + 1 / POSTS_PER_SECOND
        await asyncio.sleep(turn - loop.time())


def bears(message: discord.Message, nonce: str, number: int) -> bool:
    """Whether a message is part `number` (from 0) of the digest with this nonce."""
    return any(
        custom_id.startswith(ids.DIGEST) and custom_id.endswith(f":{nonce}:{number}")
        for custom_id in _custom_ids(message.components)
    )


def papers_in(message: discord.Message) -> int:
    """Count the papers that a message of a digest shows."""
    return sum(custom_id.startswith(ids.ABOUT) for custom_id in _custom_ids(message.components))


@contextmanager
def poster_errors(subscription: Subscription | None) -> Iterator[None]:
    """Turn discord.py's errors into GoneError and UnavailableError; no subscription means a message to a person."""
    try:
        yield
    except discord.HTTPException as error:
        raise _problem(error, subscription) from error
    except discord.RateLimited as error:
        raise UnavailableError(say("Discord wants me to slow down."), timedelta(seconds=error.retry_after)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(say("Discord cannot be reached.")) from error


def _problem(error: discord.HTTPException, subscription: Subscription | None) -> GoneError | UnavailableError:
    """Turn an error of Discord's into what it means for a subscription."""
    if is_slow_down(error):
        after = error.response.headers.get("Retry-After")
        return UnavailableError(
            say("Discord wants me to slow down."), timedelta(seconds=float(after)) if after else None
        )
    if not is_for_good(error):
        return UnavailableError(say("Discord is out of order."))
    direct = subscription is None or subscription.kind == "dm"
    if error.code in NOT_TO_THIS_PERSON or (direct and isinstance(error, discord.Forbidden)):
        return GoneError(say("You take no direct messages from me; Discord's privacy settings can change that."))
    channel = None if subscription is None or direct else f"<#{subscription.place_id}>"
    return GoneError(_known(error.code, channel) or _refusal(error, channel))


def _known(code: int, channel: str | None) -> str | None:
    """Explain a refusal by its code if the bot can do so better than Discord, else None."""
    if channel is None:
        return None
    sentences = {
        MISSING_ACCESS: _lacking([say("View Channel")], channel),
        MISSING_PERMISSIONS: say("I may not post in {channel}: a permission is missing there.", channel=channel),
        ARCHIVED: say("The thread {channel} is archived and locked.", channel=channel),
        AUTOMOD: say("The server's AutoMod stopped my message in {channel}.", channel=channel),
        UNKNOWN_CHANNEL: say("The channel that it was posted in is gone."),
    }
    return sentences.get(code)


def _refusal(error: discord.HTTPException, channel: str | None) -> str:
    """Quote Discord's reason for a refusal, and add advice if there is any."""
    reason = shorten(plain(error.text), REASON_CHARACTERS)
    if channel is None:
        return say("Discord refuses my message: “{reason}” (error {code}).", reason=reason, code=error.code)
    sentence = say(
        "Discord refuses my message in {channel}: “{reason}” (error {code}).",
        channel=channel,
        reason=reason,
        code=error.code,
    )
    hints = {
        TAG_REQUIRED: say("Every post there needs a tag, and all tags are for moderators: make one for everybody."),
        TOO_MANY_THREADS: say("Too many threads are open in the server: close some."),
    }
    return " ".join(filter(None, (sentence, hints.get(error.code))))


def _demand(destination: object, *, history: bool = False) -> None:
    """Raise GoneError if the bot knows without asking that it may not post in a destination."""
    if missing := missing_to_post(destination, history=history):
        raise GoneError(_lacking(missing, f"<#{getattr(destination, 'id', 0)}>"))


def _lacking(missing: Sequence[str], channel: str) -> str:
    names = ", ".join(missing)
    return say("In {channel} I need these permissions: {permissions}.", channel=channel, permissions=names)


def _custom_ids(components: Sequence[object]) -> Iterator[str]:
    for component in components:
        if custom_id := getattr(component, "custom_id", None):
            yield custom_id
        yield from _custom_ids(getattr(component, "children", ()))


async def _destination_of_rest(destination: Destination, first_id: int, name: str) -> int:
    """The id of where the parts after the first go: a thread on it, opened if possible, else the channel."""
    if isinstance(destination, discord.ForumChannel):
        return first_id
    if not isinstance(destination, discord.TextChannel) or not may_thread(destination):
        return destination.id
    try:
        return (await destination.get_partial_message(first_id).create_thread(name=name)).id
    except discord.HTTPException as error:
        if error.code == THREAD_EXISTS:
            return first_id  # a thread has the id of its message
        if not is_for_good(error):
            raise
        return destination.id


async def _publish(destination: Destination, message_id: int) -> None:
    """Publish a message to the servers that follow an announcement channel, if Discord allows it."""
    if not isinstance(destination, discord.TextChannel) or not destination.is_news():
        return
    try:
        await destination.get_partial_message(message_id).publish()
    except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as error:
        log.info("not published message=%d error=%s", message_id, type(error).__name__)


class _Once(discord.File):
    """Keep discord.py from retrying a call whose reply was lost: before each try it rewinds the call's files."""

    def __init__(self) -> None:
        super().__init__(BytesIO())

    def reset(self, *, seek: int | bool = True) -> None:
        """Raise UnavailableError on every try but the first."""
        if seek:
            raise UnavailableError(say("Discord is out of order."))


async def _open_once(forum: discord.ForumChannel, name: str, card: Card) -> int:
    """Open a forum post and return its id; not retried, as a post has no nonce that would make that safe."""
    tags = [str(tag.id) for tag in forum.available_tags if not tag.moderated][:1] if forum.flags.require_tag else []
    about = {
        "name": name,
        "auto_archive_duration": archive_minutes(WEEK_UNTIL_ARCHIVED),
        "type": discord.ChannelType.public_thread.value,
    }
    with handle_message_parameters(
        view=card, files=card.files(), allowed_mentions=NOBODY, channel_payload=about | {"applied_tags": tags}
    ) as params:
        multipart = params.multipart or [
            {"name": "payload_json", "value": json.dumps(params.payload), "content_type": "application/json"}
        ]
        once = MultipartParameters(payload=None, multipart=multipart, files=[_Once()])
        opened = await forum._state.http.start_thread_in_forum(forum.id, params=once)  # noqa: SLF001  # see _Once
    return int(opened["id"])
