"""What somebody wants who writes to the bot, as far as their words tell: a fitted reader knows questions from talk."""

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

SURE: Final = 0.9  # from this probability on, what finds nothing is taken for words to the bot itself
ASKS: Final = 0.5  # from this probability on, words to nobody in particular are answered where the bot is at home
LOOKED_AT: Final = 10  # hits
LONGEST_TALK: Final = 300  # characters; a question of any length is read by whoever answers it


@dataclass(frozen=True, slots=True)
class Intent:
    """Hold what words want.

    Attributes:
        points: whether they only point to what others said, as "can you answer this?" does, or are no words at all.
        talk: which kind of small talk they are, None where they may be a question.
    """

    points: bool = False
    talk: Kind | None = None


class IntentReader:
    """Tell what is wanted of the bot; what it reads with is loaded at first use, or by `load`."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._assessor = Assessor(library)
        self._reader: Reader | None = None
        self._making = asyncio.Lock()

    async def asks(self, text: str) -> bool:
        """Say whether words that were said to nobody in particular ask something; remarks among people do not."""
        read = await self._read(text)
        return read is None or read.asks >= ASKS

    async def read(self, text: str, *, alone: bool) -> Intent:
        """Return what words to the bot want; where they are not `alone`, they may point to what came with them."""
        read = await self._read(text) if text and len(text) <= LONGEST_TALK else None
        if read is None:
            return Intent()
        small, about_bot = read.kinds[Kind.SMALL_TALK], read.kinds[Kind.BOT]
        points = read.is_chat and not (small >= SURE and any(map(str.isalpha, read.text)))
        if small + about_bot < SURE or (points and not alone) or await self._finds(read):
            return Intent(points)
        return Intent(points, Kind.SMALL_TALK if small >= about_bot else Kind.BOT)

    async def load(self) -> None:
        """Load all that reading needs (coefficients, dictionary, languages) by reading something: it takes seconds."""
        await self._read("How do language models learn?")

    async def _get_reader(self) -> Reader:
        async with self._making:
            if self._reader is None:
                self._reader = await asyncio.to_thread(Reader, self._library, lambda: datetime.now(UTC).date())
        return self._reader

    async def _finds(self, read: Question) -> bool:
        """Say whether the library has something on what reads like small talk: then it is none."""
        hits = await self._library.search(read.text, limit=LOOKED_AT, vectors=read.vectors)
        return (await self._assessor.assess(read, hits)).outcome != "refused"

    async def _read(self, text: str) -> Question | None:
        """Read a message; None if the embedding model is away, which the answerer then reports."""
        try:
            return await (await self._get_reader()).read(text)
        except EmbeddingError:
            return None
