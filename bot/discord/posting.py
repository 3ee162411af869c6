"""Post digests to Discord: each once, in channels, threads, forums and direct messages."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import aiohttp
import discord
from discord import utils
from discord.http import MultipartParameters, handle_message_parameters

from bot.digest.posting import GoneError, UnavailableError
from bot.discord import ids
from bot.discord.boundary import AUTOMOD, MISSING_ACCESS
from bot.discord.live import ARCHIVED, UNKNOWN_MESSAGE
from bot.discord.permissions import may_thread, mine_in, missing_to_post
from bot.discord.places import NOBODY
from bot.discord.render import notice
from bot.discord.render.digests import Mark, digest_cards, thread_name
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from bot.digest.digest import Digest
    from bot.discord.render.layout import Card
    from bot.store import Subscription

Place: TypeAlias = "discord.abc.MessageableChannel | discord.ForumChannel"

# Of the 50 calls a second that Discord allows; the others are for answers.
POSTS_PER_SECOND: Final = 20
# Messages that are looked through for a digest; it was posted within minutes of the moment that they begin at.
LOOKED_THROUGH: Final = 1000
ARCHIVE_MINUTES: Final = 10080  # the most: a post stays where it is looked for
RECENT: Final = timedelta(hours=1)  # for so long a post that was tried to open before may be there

SLOWMODE: Final = 20016
TOO_MANY: Final = 429
SERVER_ERRORS: Final = 500
NOT_TO_THIS_PERSON: Final = frozenset({50007, 50278, 10013})
THREAD_EXISTS: Final = 160004


class DiscordPoster:
    """Post digests as the bot; what Discord refuses for good is a GoneError, what may pass an UnavailableError."""

    def __init__(self, bot: discord.Client) -> None:
        self._bot = bot
        self._next = 0.0

    async def post(self, subscription: Subscription, digest: Digest, *, nonce: str) -> Sequence[int]:
        """Post a digest and return the ids of its messages; only the first one may make a sound.

        What does not fit into one message goes into a thread of it, or after it where there can be no thread.
        """
        with said(subscription):
            place = await self._place(subscription)
            _demand(place)
            mark = Mark(subscription.subscription_id, nonce)
            first, *more = digest_cards(digest, mark, with_picture=mine_in(place).attach_files)
            if isinstance(place, discord.ForumChannel):
                return await self._open_post(place, thread_name(digest), [first, *more], subscription, nonce)
            sent = await self._send(place, first, nonce)
            rest = place if not more or not may_thread(place) else await _thread_of(sent, thread_name(digest))
            return [sent.id, *await self._send_more(rest, more, nonce)]

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime) -> Sequence[int] | None:
        """Return the messages with the digest's nonce in a button, None where there are none."""
        with said(subscription):
            place = await self._place(subscription)
            if isinstance(place, discord.ForumChannel):
                return await _find_post(place, nonce, since)
            _demand(place, history=True)
            found = [
                message.id
                async for message in place.history(after=since, limit=LOOKED_THROUGH, oldest_first=True)
                if self._is_mine(message) and bears(message, nonce)
            ]
        return found or None

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        """Send a person one sentence in a direct message."""
        with said(None):
            await self._turn()
            channel = await self._bot.create_dm(discord.Object(owner_id))
            await channel.send(view=notice(sentence), nonce=nonce)

    async def _place(self, subscription: Subscription) -> Place:
        """Return where a subscription is posted; raises what Discord says where it is gone."""
        if subscription.kind == "dm":
            return await self._bot.create_dm(discord.Object(subscription.place_id))
        known = self._bot.get_channel(subscription.place_id)
        return cast("Place", known or await self._bot.fetch_channel(subscription.place_id))

    async def _send(
        self, place: discord.abc.MessageableChannel, card: Card, nonce: str, *, silent: bool = False
    ) -> discord.Message:
        await self._turn()
        try:
            return await place.send(view=card, files=card.files(), nonce=nonce, silent=silent)
        except discord.HTTPException as error:
            if error.code != ARCHIVED or not isinstance(place, discord.Thread):
                raise
        await place.edit(archived=False)
        return await place.send(view=card, files=card.files(), nonce=nonce, silent=silent)

    async def _send_more(self, place: discord.abc.MessageableChannel, more: Sequence[Card], nonce: str) -> list[int]:
        return [
            (await self._send(place, card, f"{nonce}{number}", silent=True)).id
            for number, card in enumerate(more, start=1)
        ]

    async def _open_post(
        self, forum: discord.ForumChannel, name: str, cards: Sequence[Card], subscription: Subscription, nonce: str
    ) -> list[int]:
        """Open a post in a forum, unless it is there: Discord knows no nonces of posts."""
        since = utils.utcnow() - RECENT
        found = await _find_post(forum, nonce, since)
        await self._turn()
        opened = found[0] if found else await _open_once(forum, name, cards[0])
        thread = forum.get_thread(opened) or self._bot.get_partial_messageable(opened, guild_id=subscription.guild_id)
        return [opened, *await self._send_more(cast("discord.Thread", thread), cards[1:], nonce)]

    def _is_mine(self, message: discord.Message) -> bool:
        return self._bot.user is not None and message.author.id == self._bot.user.id

    async def _turn(self) -> None:
        """Wait until the next message may be sent."""
        loop = asyncio.get_running_loop()
        turn = max(self._next, loop.time())
        self._next = turn + 1 / POSTS_PER_SECOND
        await asyncio.sleep(turn - loop.time())


def bears(message: discord.Message, nonce: str) -> bool:
    """Say whether a message is one of the digest with this nonce."""
    return any(
        custom_id.startswith(ids.DIGEST) and f":{nonce}:" in custom_id for custom_id in _custom_ids(message.components)
    )


@contextmanager
def said(subscription: Subscription | None) -> Iterator[None]:
    """Raise GoneError or UnavailableError for what discord.py raises; None is for a person who is told something."""
    try:
        yield
    except discord.HTTPException as error:
        problem = _problem(error, subscription)
        if problem is None:
            raise
        raise problem from error
    except discord.RateLimited as error:
        raise UnavailableError(say("Discord wants me to slow down."), error.retry_after) from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(say("Discord cannot be reached.")) from error


def _problem(  # noqa: PLR0911  # one for each kind of error
    error: discord.HTTPException, subscription: Subscription | None
) -> GoneError | UnavailableError | None:
    """Return what an error of Discord's means for a subscription; None where it is a mistake of the bot's own."""
    if error.status == TOO_MANY or error.code == SLOWMODE:
        after = error.response.headers.get("Retry-After")
        return UnavailableError(say("Discord wants me to slow down."), float(after) if after else None)
    if error.status >= SERVER_ERRORS or error.code == UNKNOWN_MESSAGE:
        return UnavailableError(say("Discord is out of order."))
    if subscription is None or subscription.kind == "dm" or error.code in NOT_TO_THIS_PERSON:
        return GoneError(say("You take no direct messages from me; Discord's privacy settings can change that."))
    channel = f"<#{subscription.place_id}>"
    if error.code == MISSING_ACCESS:
        return _lacking([say("View Channel")], channel)
    if error.code == ARCHIVED:
        return GoneError(say("The thread {channel} is archived and locked.", channel=channel))
    if error.code == AUTOMOD:
        return GoneError(say("The server's AutoMod stopped my message in {channel}.", channel=channel))
    if isinstance(error, discord.Forbidden):
        return GoneError(say("I may not post in {channel}: a permission is missing there.", channel=channel))
    if isinstance(error, discord.NotFound):
        return GoneError(say("The channel that it was posted in is gone."))
    return None


def _demand(place: object, *, history: bool = False) -> None:
    """Raise GoneError where the bot knows without asking that it may not post in a place."""
    if missing := missing_to_post(place, history=history):
        raise _lacking(missing, f"<#{getattr(place, 'id', 0)}>")


def _lacking(missing: Sequence[str], channel: str) -> GoneError:
    names = ", ".join(missing)
    return GoneError(say("In {channel} I need these permissions: {permissions}.", channel=channel, permissions=names))


def _custom_ids(components: Sequence[object]) -> Iterator[str]:
    for component in components:
        if custom_id := getattr(component, "custom_id", None):
            yield custom_id
        yield from _custom_ids(getattr(component, "children", ()))


async def _thread_of(message: discord.Message, name: str) -> discord.abc.MessageableChannel:
    """Return the thread of a message, opened if there is none yet."""
    try:
        return await message.create_thread(name=name)
    except discord.HTTPException as error:
        if error.code != THREAD_EXISTS:
            raise
    # A thread has the id of its message.
    return await message.channel.guild.fetch_channel(message.id)  # type: ignore[union-attr,return-value]


async def _find_post(forum: discord.ForumChannel, nonce: str, since: datetime) -> list[int] | None:
    """Return the post in a forum whose first message bears the nonce."""
    for thread in await forum.guild.active_threads():
        mine = thread.parent_id == forum.id and thread.owner_id == forum.guild.me.id
        recent = utils.snowflake_time(thread.id) >= since
        if mine and recent and bears(await thread.fetch_message(thread.id), nonce):
            return [thread.id]
    return None


class _Once(discord.File):
    """Keep discord.py from repeating a call whose reply was lost: it rewinds the files of a call before it does."""

    def __init__(self) -> None:
        super().__init__(BytesIO())

    def reset(self, *, seek: int | bool = True) -> None:
        """Allow the first try."""
        if seek:
            raise UnavailableError(say("Discord is out of order."))


async def _open_once(forum: discord.ForumChannel, name: str, card: Card) -> int:
    """Open a post and return its id; it is not tried again, because a post has no nonce that would make that safe."""
    tags = [str(tag.id) for tag in forum.available_tags if not tag.moderated][:1] if forum.flags.require_tag else []
    about = {"name": name, "auto_archive_duration": ARCHIVE_MINUTES, "type": discord.ChannelType.public_thread.value}
    with handle_message_parameters(
        view=card, files=card.files(), allowed_mentions=NOBODY, channel_payload=about | {"applied_tags": tags}
    ) as params:
        multipart = params.multipart or [
            {"name": "payload_json", "value": json.dumps(params.payload), "content_type": "application/json"}
        ]
        once = MultipartParameters(payload=None, multipart=multipart, files=[_Once()])
        opened = await forum._state.http.start_thread_in_forum(forum.id, params=once)  # noqa: SLF001  # see _Once
    return int(opened["id"])
