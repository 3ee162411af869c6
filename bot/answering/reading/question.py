"""A question, read once: what was typed, what it says, which kind it is, and what it names."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.answering.evidence.models import wants_number
from bot.answering.reading.correction import as_meant
from bot.answering.reading.exclusion import find_exclusion
from bot.answering.reading.kind import MANY, Kind, shipped_kinds
from bot.answering.reading.lead import Lead
from bot.answering.reading.message_markup import without_address
from bot.answering.reading.terms import content_terms
from retrieval.periods import find_period
from retrieval.references import find_references

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from retrieval.library import Library
    from retrieval.periods import Period
    from retrieval.query import QueryVectors
    from retrieval.references import Reference

LONGEST_COMPARISON: Final = 60  # words; what is longer is a pasted text, in which "between A and B" asks nothing
MAYBE_LIST: Final = 0.2  # a question that rules something out may ask for papers from this probability on
MAYBE_COMPARED: Final = 0.2  # what names two things may compare them from this probability on
CHAT: Final = 0.5  # from this probability on, a question reads like small talk or like words to the bot
# Two sides named in a form of their own: "A vs B", "compare A and B", "between A and B".
_VERSUS: Final = re.compile(
    r"(?:\bcompar\w+|\bbetween)\s+(?P<a>[^?!;\n]+?)\s+(?:and|with|to|against|versus|vs\.?)\s+(?P<b>[^?!;,\n]+)"
    r"|(?P<c>[^?!;,\n]+?)\s+(?:versus|vs\.?)\s+(?P<d>[^?!;,\n]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question as everything after the reader takes it.

    Attributes:
        asked: what was typed, verbatim.
        text: what is searched for: what it says in one line, without mentions of the bot, invisible characters, what it
            rules out, and sentences that lead to no paper.
        vectors: its text as the embedding model reads it.
        kinds: how likely (0..1) it is of each kind.
        kind: the kind that it is taken for.
        asks: how likely (0..1) it asks anything, of whomever; a remark, thanks and a greeting do not.
        wants_number: how likely (0..1) it asks for a number.
        language: the ISO 639-1 code of its language, English where another one is not sure.
        references: the ids and links in it.
        period: the days that it is about, where it names any.
        sides: the things compared, or nothing where no form names them.
        ruled_out: what the papers asked for should not be about, empty where nothing is said of that.
        terms: its stemmed content words, each once, in order.
        read_as: the words that were taken for slips of the pen, each with what it was read as in `text`.
    """

    asked: str
    text: str
    vectors: QueryVectors
    kinds: Mapping[Kind, float]
    kind: Kind
    asks: float
    wants_number: float
    language: str
    references: tuple[Reference, ...]
    period: Period | None
    sides: tuple[str, ...]
    ruled_out: str
    terms: tuple[str, ...]
    read_as: tuple[tuple[str, str], ...]

    @property
    def is_chat(self) -> bool:
        """Say whether it reads like small talk or like words to the bot; it may ask about papers all the same."""
        return self.kinds[Kind.SMALL_TALK] + self.kinds[Kind.BOT] >= CHAT

    @property
    def terms_beside_period(self) -> tuple[str, ...]:
        """Give its terms without the words that name the time it is about."""
        start, end = self.period.span if self.period else (0, 0)
        return content_terms(f"{self.text[:start]} {self.text[end:]}")

    def compares(self, named: int) -> bool:
        """Say whether it compares things, of which it names so many papers."""
        maybe = self.kind not in MANY and self.kinds[Kind.COMPARISON] >= MAYBE_COMPARED
        return self.kind is Kind.COMPARISON or (maybe and max(named, len(self.sides)) > 1)

    def of_kind(self, kind: Kind) -> Question:
        """Take the question for another kind than its words alone tell."""
        return replace(self, kind=kind)


class Reader:
    """Read questions with the library's embedding model."""

    def __init__(self, library: Library, today: Callable[[], dt.date]) -> None:
        self._library = library
        self._today = today
        self._kinds = shipped_kinds(library.embedder.model)
        self._lead = Lead(library)

    async def read(self, asked: str, *, composed: bool = False) -> Question:
        """Read a question; raises EmbeddingError where a remote model cannot be asked.

        One that was `composed` of several turns is searched for with all its sentences.
        """
        language, spelled = await as_meant(plain(asked), self._library)
        text = spelled.text
        vectors = await self._library.embed(text)
        kinds = await asyncio.to_thread(self._kinds.read, text, vectors.vector)
        asks = await asyncio.to_thread(self._kinds.asks, text, vectors.vector)
        kind = self._kinds.decide(kinds)
        exclusion = find_exclusion(text)
        if exclusion and (exclusion.sure or kind in MANY or kinds[Kind.LIST] >= MAYBE_LIST):
            # "no labels" is as often what is looked for: only a question for papers leaves papers out.
            kind = kind if exclusion.sure and kinds[Kind.LIST] < MAYBE_LIST else Kind.LIST
            text, ruled_out = exclusion.wanted, exclusion.topic
            vectors = await self._library.embed(text)
        else:
            ruled_out = ""
            # A comparison is of all that it names, and titles are named that hold a question mark.
            whole = composed or kind is Kind.COMPARISON
            if not whole and (lead := await self._lead.of(text, self._today())) != text:
                text = lead
                vectors = await self._library.embed(text)

        def make() -> Question:
            return Question(
                asked=asked,
                text=text,
                vectors=vectors,
                kinds=kinds,
                kind=kind,
                asks=asks,
                wants_number=wants_number(text),
                language=language,
                references=find_references(asked),
                period=find_period(text, self._today()),
                sides=sides(text),
                ruled_out=ruled_out,
                terms=content_terms(text),
                read_as=spelled.read_as,
            )

        return await asyncio.to_thread(make)


def plain(asked: str) -> str:
    """Put a question in one line, without mentions of the bot, custom emoji and characters that nobody sees."""
    seen = "".join(
        character
        for character in unicodedata.normalize("NFC", without_address(asked))
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join(seen.split())


def sides(text: str) -> tuple[str, ...]:
    """Find the things that a question compares, where its form names them."""
    match = _VERSUS.search(text)
    if match is None or len(text.split()) > LONGEST_COMPARISON:
        return ()
    first, second = (match["a"], match["b"]) if match["a"] else (match["c"], match["d"])
    # Of several, as in "between A, B and C", the names before the last are parted by commas.
    parts = [part.strip() for part in first.split(", ")] if match["a"] else [first.strip()]
    found = (*parts, second.strip())
    return found if all(map(content_terms, found)) else ()
