"""What somebody who writes to the bot wants, from their words: a fitted reader tells questions from small talk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.answering.assessor import Assessor
from bot.answering.reading.kind import Kind
from bot.answering.reading.question import Reader
from retrieval import EmbeddingError

if TYPE_CHECKING:
    from bot.answering.reading.question import Question
    from retrieval import Library

MIN_SMALL_TALK: Final = 0.9  # probability from which words that find no paper are small talk, or about the bot itself
MIN_ASKS: Final = 0.5  # probability from which a message to nobody in particular is a question
MOST_HITS: Final = 10
LONGEST_SMALL_TALK: Final = 300  # characters; a longer message is always read as a question


@dataclass(frozen=True, slots=True)
class Intent:
    """What a message wants.

    Attributes:
        points_to_context: whether it asks only about what came with it ("can you answer this?"), or has no words.
        small_talk: which kind of small talk it is, None if it may be a question.
    """

    points_to_context: bool = False
    small_talk: Kind | None = None


class IntentReader:
    """Tell what a message wants of the bot; models are loaded at first use, or by `load`."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._assessor = Assessor(library)
        self._reader: Reader | None = None
        self._making_reader = asyncio.Lock()

    async def asks(self, text: str) -> bool:
        """Check whether a message to nobody in particular asks something, unlike remarks among people."""
        read = await self._read(text)
        return read is None or read.asks >= MIN_ASKS

    async def read(self, text: str, *, with_context: bool) -> Intent:
        """Tell what a message to the bot wants; `with_context` says that others' words or files came with it."""
        read = await self._read(text) if text and len(text) <= LONGEST_SMALL_TALK else None
        if read is None:
            return Intent()
        small, about_bot = read.kinds[Kind.SMALL_TALK], read.kinds[Kind.BOT]
        points_to_context = read.is_chat and not (small >= MIN_SMALL_TALK and any(map(str.isalpha, read.text)))
        if small + about_bot < MIN_SMALL_TALK or (points_to_context and with_context) or await self._finds(read):
            return Intent(points_to_context)
        return Intent(points_to_context, Kind.SMALL_TALK if small >= about_bot else Kind.BOT)

    async def load(self) -> None:
        """Load coefficients, dictionary and language models by reading a sample; takes seconds."""
        await self._read("How do language models learn?")

    async def _get_reader(self) -> Reader:
        async with self._making_reader:
            if self._reader is None:
                self._reader = await asyncio.to_thread(Reader, self._library, lambda: datetime.now(UTC).date())
        return self._reader

    async def _finds(self, read: Question) -> bool:
        """Check whether the library has something on words that read like small talk; then they are a question."""
        hits = await self._library.search(read.text, limit=MOST_HITS, vectors=read.vectors)
        return (await self._assessor.assess(read, hits)).outcome != "refused"

    async def _read(self, text: str) -> Question | None:
        """Read a message; None if the embedding model is unavailable, which the answerer then reports."""
        try:
            return await (await self._get_reader()).read(text)
        except EmbeddingError:
            return None
