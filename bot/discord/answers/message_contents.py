"""Read what a message brings besides its own words: replies, links, forwarded messages and files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import discord

from bot.discord.answers.message_text import words_of
from bot.discord.answers.pdf_attachment import NAME_CHARACTERS, is_pdf
from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.ui.markdown import escape, plain, shorten, shorten_at_end
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

TEXT_FILES: Final = frozenset({".txt", ".md", ".bib"})
LARGEST_FILE: Final = 64 * 1024  # bytes; a question needs no more
MOST_CHARACTERS: Final = 1000  # in all the messages that it points to
MOST_LINKS: Final = 3

_LINK: Final = re.compile(r"<?https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?:@me|\d+)/(\d+)/(\d+)>?")


@dataclass(frozen=True, slots=True)
class Carried:
    """What a message brings besides its own words.

    Attributes:
        own: its own words, without links to messages.
        other: the text of the messages that it points to, and of its text files.
        pointed: ids of those messages and of what they reply to, nearest first.
        unread: names, ready to be shown, of attachments that were not read.
        hidden: whether it points to a message that the bot or the asker may not see.
        pdfs: attached PDFs that can be read as papers, in direct messages only.
    """

    own: str
    other: str
    pointed: tuple[int, ...]
    unread: tuple[str, ...]
    hidden: bool
    pdfs: tuple[discord.Attachment, ...] = ()


async def carried(message: discord.Message, me: discord.abc.User, text: str | None = None) -> Carried:
    """Read a message; `text` is the part of its text to read instead of all of it."""
    whole = message.content if text is None else text
    own = words_of(message, me, _LINK.sub(" ", whole))
    messages = [pointed async for pointed in _pointed_to(message, whole)]
    seen = [pointed for pointed in messages if pointed is not None]
    contents = [words_of(pointed, me) for pointed in seen]
    hidden = any(pointed is None for pointed in messages) or any(
        not words and pointed.author.id != me.id for pointed, words in zip(seen, contents, strict=True)
    )
    # In a server, nobody asked about a member's file, and others would see its content.
    pdfs = [] if message.guild else [attachment for attachment in message.attachments if is_pdf(attachment)]
    files, unread = await _files(message, pdfs)
    other = "\n".join(filter(None, [*contents, *map(plain, files)]))
    above = [pointed.reference.message_id for pointed in seen if pointed.reference]
    ids = [*(pointed.id for pointed in seen), *filter(None, above)]
    replied_to = message.reference.message_id if message.reference and not message.message_snapshots else None
    pointed = dict.fromkeys([*([replied_to] if replied_to else []), *ids])
    return Carried(own, shorten_at_end(other, MOST_CHARACTERS), tuple(pointed), tuple(unread), hidden, tuple(pdfs))


def together(parts: Sequence[Carried]) -> Carried:
    """Merge what several messages that form one question bring."""
    return Carried(
        " ".join(filter(None, (part.own for part in parts))),
        shorten_at_end("\n".join(filter(None, (part.other for part in parts))), MOST_CHARACTERS),
        tuple(dict.fromkeys(link for part in parts for link in part.pointed)),
        tuple(name for part in parts for name in part.unread),
        any(part.hidden for part in parts),
        tuple(pdf for part in parts for pdf in part.pdfs),
    )


async def _pointed_to(message: discord.Message, text: str) -> AsyncIterator[discord.Message | None]:
    """Yield each message that this one replies or links to; None for one that may not be seen."""
    if message.reference and not message.message_snapshots:
        answered = message.reference.resolved
        if isinstance(answered, discord.Message):
            yield answered
    for channel_id, message_id in list(dict.fromkeys(_LINK.findall(text)))[:MOST_LINKS]:
        yield await _linked(message, int(channel_id), int(message_id))


async def _linked(message: discord.Message, channel_id: int, message_id: int) -> discord.Message | None:
    """Fetch a message of this server, or of this DM, if whoever links to it may see it."""
    channel: Any = message.channel
    if channel_id != channel.id:
        channel = message.guild.get_channel_or_thread(channel_id) if message.guild else None
    if channel is None or not _sees(message.author, channel):
        return None
    try:
        found: discord.Message = await channel.fetch_message(message_id)
    except NETWORK_ERRORS:
        return None
    return found


def _sees(person: discord.abc.User, channel: Any) -> bool:  # noqa: ANN401  # any kind of channel
    """Check whether somebody may read a channel; False for private threads, as that is not known."""
    if isinstance(channel, discord.DMChannel):
        return True
    private = isinstance(channel, discord.Thread) and channel.is_private()
    if private or not isinstance(person, discord.Member) or not hasattr(channel, "fetch_message"):
        return False
    try:
        theirs = channel.permissions_for(person)
    except discord.ClientException:  # the bot cannot see the thread's channel
        return False
    return bool(theirs.view_channel and theirs.read_message_history)


async def _files(message: discord.Message, but: Sequence[discord.Attachment]) -> tuple[list[str], list[str]]:
    """Read the text files that come with a message, and name all other attachments `but` some."""
    texts, unread = [], []
    forwarded = [file for snapshot in message.message_snapshots for file in snapshot.attachments]
    for attachment in [*(own for own in message.attachments if own not in but), *forwarded]:
        text = await _text_of(attachment)
        if text is None:
            unread.append(_name_of(attachment))
        else:
            texts.append(text)
    return texts, [*unread, *_beside_files(message)]


def _beside_files(message: discord.Message) -> Iterator[str]:
    for sticker in [*message.stickers, *(one for snapshot in message.message_snapshots for one in snapshot.stickers)]:
        yield say("the sticker “{name}”", name=_shown(sticker.name))
    if message.poll is not None:
        yield say("the poll")


async def _text_of(attachment: discord.Attachment) -> str | None:
    """Read a short text file; None if it is not one, or cannot be downloaded."""
    if PurePath(attachment.filename).suffix.lower() not in TEXT_FILES or attachment.size > LARGEST_FILE:
        return None
    try:
        return (await attachment.read()).decode("utf-8", "replace")
    except NETWORK_ERRORS:
        return None


def _name_of(attachment: discord.Attachment) -> str:
    if attachment.is_voice_message():
        return say("the voice message")
    return say("the file “{name}”", name=_shown(attachment.filename))


def _shown(name: str) -> str:
    return escape(shorten(plain(name), NAME_CHARACTERS))
