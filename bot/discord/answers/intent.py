"""Hear what somebody wants who writes to the bot: an answer, a command, a friendly word, or what others said answered.

Nothing here has a list of words: a fitted reader tells small talk and words to the bot from questions, and the
commands are those that Discord knows.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from bot.answering.evidence.assessor import Assessor
from bot.answering.reading.kind import Kind
from bot.answering.reading.question import Reader
from bot.language import say
from retrieval.errors import EmbeddingError

if TYPE_CHECKING:
    from bot.answering.reading.question import Question
    from bot.discord.answers.message_contents import Carried
    from bot.discord.gate.command_tree import Tree
    from retrieval.library import Library

SURE: Final = 0.9  # from this probability on, what finds nothing is taken for words to the bot itself
ASKS: Final = 0.5  # from this probability on, words to nobody in particular are answered where the bot is at home
LOOKED_AT: Final = 10  # hits
LONGEST_TALK: Final = 300  # characters; a question of any length is read by whoever answers it


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold a question, what was said before it by others, and what of its message was not read."""

    text: str
    before: str = ""
    unread: str | None = None


# What somebody wants: a question answered, or a sentence said.
Wish: TypeAlias = "Asked | str"


class IntentReader:
    """Tell what messages to the bot want."""

    def __init__(self, library: Library, tree: Tree) -> None:
        self._library = library
        self._tree = tree
        self._assessor = Assessor(library)
        self._reader: Reader | None = None
        self._making = asyncio.Lock()

    async def asks(self, text: str) -> bool:
        """Say whether words that were said to nobody in particular ask something; remarks among people do not."""
        read = await self._read(text)
        return read is None or read.asks >= ASKS

    async def of(self, message: Carried, name: str, *, choosing: bool = False) -> Wish:
        """Return what a message to the bot wants; a "yes" is no small talk where somebody is `choosing`.

        `name` is what the bot is called there, ready to be shown.
        """
        if command := await self._tree.typed(message.own):
            return say("Discord takes commands from its own list only: click {command}.", command=command)
        talks = message.own and not choosing and len(message.own) <= LONGEST_TALK
        read = await self._read(message.own) if talks else None
        if message.own and (read is None or not _points(read)):
            friendly = await self._friendly(read, name) if read else None
            return friendly or _asked(message, message.own, before=message.other)
        if message.other:
            return _asked(message, message.other)
        return _why_unread(message) or (read and await self._friendly(read, name)) or _asked(message, message.own)

    async def _friendly(self, read: Question, name: str) -> str | None:
        """Return what to say to small talk and to words about the bot; None where it may be a question."""
        if read.kinds[Kind.SMALL_TALK] + read.kinds[Kind.BOT] < SURE or await self._finds(read):
            return None
        help_ = await self._tree.mention("help")
        if read.kinds[Kind.SMALL_TALK] >= read.kinds[Kind.BOT]:
            return say("Always a pleasure! Ask me about papers whenever you like; {help} says how.", help=help_)
        return say(
            "I am {name} and answer questions about research papers; every sentence rests on a quote that you can "
            "check. {help} shows what I can do, {about} which papers I know.",
            name=name,
            help=help_,
            about=await self._tree.mention("about"),
        )

    async def _finds(self, read: Question) -> bool:
        """Say whether the library has something on what reads like small talk: then it is none."""
        hits = await self._library.search(read.text, limit=LOOKED_AT, vectors=read.vectors)
        return (await self._assessor.assess(read, hits)).outcome != "refused"

    async def _read(self, text: str) -> Question | None:
        """Read a message; None where the embedding model is away, which whoever answers has to say."""
        try:
            return await (await self._get_reader()).read(text)
        except EmbeddingError:
            return None

    async def _get_reader(self) -> Reader:
        """Return the reader, made when it is first needed: its coefficients take a while to load."""
        async with self._making:
            if self._reader is None:
                self._reader = await asyncio.to_thread(Reader, self._library, lambda: datetime.now(UTC).date())
        return self._reader


def _points(read: Question) -> bool:
    """Say whether words only point to what others said, as "can you answer this?" does, or are no words at all."""
    friendly = read.kinds[Kind.SMALL_TALK] >= SURE
    return read.is_chat and not (friendly and any(map(str.isalpha, read.text)))


def _asked(message: Carried, text: str, before: str = "") -> Asked:
    unread = say("I did not read {things}.", things=", ".join(message.unread)) if message.unread else None
    return Asked(text, before, unread)


def _why_unread(message: Carried) -> str | None:
    """Return what to say of a message that has no question of its own, and points to what was not read."""
    if message.hidden:
        return say(
            "I cannot see what the message says that you mean. Please write its question here, or choose “Ask about "
            "this” in its menu, under Apps."
        )
    if message.unread:
        return say("I cannot read {things}: please write your question as text.", things=", ".join(message.unread))
    return None
