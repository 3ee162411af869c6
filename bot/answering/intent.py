"""What somebody who writes to the bot wants, from their words: a fitted reader tells questions from small talk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.answering.evidence.assessor import Assessor
from bot.answering.reading.kind import Kind
from bot.answering.reading.question import Reader
from retrieval import EmbeddingError

if TYPE_CHECKING:
    from bot.answering.reading.question import Question
    from retrieval import Library

SURE: Final = 0.9  # probability from which words that find nothing are taken as addressed to the bot itself
ASKS: Final = 0.5  # probability from which a message to nobody in particular is answered in a channel of the bot's own
LOOKED_AT: Final = 10  # hits
LONGEST_TALK: Final = 300  # characters; a longer message is always read as a question


@dataclass(frozen=True, slots=True)
class Intent:
    """What a message wants.

    Attributes:
        points: whether it only points at what others said, as in "can you answer this?", or has no words.
        talk: which kind of small talk it is, None if it may be a question.
    """

    points: bool = False
    talk: Kind | None = None


class IntentReader:
    """Tell what a message wants of the bot; models are loaded at first use, or by `load`."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._assessor = Assessor(library)
        self._reader: Reader | None = None
        self._making = asyncio.Lock()

    async def asks(self, text: str) -> bool:
        """Check whether a message to nobody in particular asks something, unlike remarks among people."""
        read = await self._read(text)
        return read is None or read.asks >= ASKS

    async def read(self, text: str, *, alone: bool) -> Intent:
        """Tell what a message to the bot wants; if it is not `alone`, it may point at what came with it."""
        read = await self._read(text) if text and len(text) <= LONGEST_TALK else None
        if read is None:
            return Intent()
        small, about_bot = read.kinds[Kind.SMALL_TALK], read.kinds[Kind.BOT]
        points = read.is_chat and not (small >= SURE and any(map(str.isalpha, read.text)))
        if small + about_bot < SURE or (points and not alone) or await self._finds(read):
            return Intent(points)
        return Intent(points, Kind.SMALL_TALK if small >= about_bot else Kind.BOT)

    async def load(self) -> None:
        """Load coefficients, dictionary and language models by reading a sample; takes seconds."""
        await self._read("How do language models learn?")

    async def _get_reader(self) -> Reader:
        async with self._making:
            if self._reader is None:
                self._reader = await asyncio.to_thread(Reader, self._library, lambda: datetime.now(UTC).date())
        return self._reader

    async def _finds(self, read: Question) -> bool:
        """Check whether the library has something on words that read like small talk; then they are a question."""
        hits = await self._library.search(read.text, limit=LOOKED_AT, vectors=read.vectors)
        return (await self._assessor.assess(read, hits)).outcome != "refused"

    async def _read(self, text: str) -> Question | None:
        """Read a message; None if the embedding model is unavailable, which the answerer then reports."""
        try:
            return await (await self._get_reader()).read(text)
        except EmbeddingError:
            return None
