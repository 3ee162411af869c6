"""A question, read once: its text, kind, references, period and terms."""

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
from retrieval.references import find_references
from retrieval.text.periods import find_period
from retrieval.text.terms import content_terms

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from retrieval import Library, QueryVectors
    from retrieval.references import Reference
    from retrieval.text.periods import Period

LONGEST_COMPARISON: Final = 60  # words; a longer text was pasted, and its "between A and B" compares nothing
MAYBE_LIST: Final = 0.2  # probability of a list from which a question that excludes something asks for papers
MAYBE_COMPARED: Final = 0.2  # probability of a comparison from which a question that names two things compares them
CHAT: Final = 0.5  # probability from which a question reads like small talk or is meant for the bot
# Two sides named in a fixed form: "A vs B", "compare A and B", "between A and B".
_VERSUS: Final = re.compile(
    r"(?:\bcompar\w+|\bbetween)\s+(?P<a>[^?!;\n]+?)\s+(?:and|with|to|against|versus|vs\.?)\s+(?P<b>[^?!;,\n]+)"
    r"|(?P<c>[^?!;,\n]+?)\s+(?:versus|vs\.?)\s+(?P<d>[^?!;,\n]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question as every later step takes it.

    Attributes:
        asked: what was typed, verbatim.
        text: what to search for: one line without mentions of the bot, invisible characters, excluded topics, and
            sentences that lead to no paper.
        vectors: embeddings of the text.
        kinds: probability (0..1) of each kind.
        kind: the kind it is treated as.
        asks: probability (0..1) that it asks anything; remarks, thanks and greetings do not.
        wants_number: probability (0..1) that it asks for a number.
        language: ISO 639-1 code; English unless another language is certain.
        references: the ids and links in it.
        period: the days that it is about, if it names any.
        sides: the things compared; empty if no fixed form names them.
        ruled_out: what the wanted papers should not be about, or empty.
        terms: its stemmed content words, each once, in order.
        read_as: corrected typing errors: each word with its replacement in `text`.
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
        """Whether it reads like small talk or is meant for the bot; it may still ask about papers."""
        return self.kinds[Kind.SMALL_TALK] + self.kinds[Kind.BOT] >= CHAT

    @property
    def terms_beside_period(self) -> tuple[str, ...]:
        """Its terms without the words that name the period."""
        start, end = self.period.span if self.period else (0, 0)
        return content_terms(f"{self.text[:start]} {self.text[end:]}")

    def compares(self, named: int) -> bool:
        """Check whether it compares things; `named` is the number of papers that it names."""
        maybe = self.kind not in MANY and self.kinds[Kind.COMPARISON] >= MAYBE_COMPARED
        return self.kind is Kind.COMPARISON or (maybe and max(named, len(self.sides)) > 1)

    def of_kind(self, kind: Kind) -> Question:
        """Copy the question with another kind."""
        return replace(self, kind=kind)


class Reader:
    """Read questions with the library's embedding model."""

    def __init__(self, library: Library, today: Callable[[], dt.date]) -> None:
        self._library = library
        self._today = today
        self._kinds = shipped_kinds(library.embedder.model)
        self._lead = Lead(library)

    async def read(self, asked: str, *, composed: bool = False) -> Question:
        """Read a question; raises EmbeddingError if a remote model cannot be reached.

        A question `composed` of several turns is searched for with all its sentences.
        """
        language, spelled = await as_meant(plain(asked), self._library)
        text = spelled.text
        vectors = await self._library.embed(text)
        kinds = await asyncio.to_thread(self._kinds.read, text, vectors.vector)
        asks = await asyncio.to_thread(self._kinds.asks, text, vectors.vector)
        kind = self._kinds.decide(kinds)
        exclusion = find_exclusion(text)
        if exclusion and (exclusion.sure or kind in MANY or kinds[Kind.LIST] >= MAYBE_LIST):
            # "no labels" may just as well be what is wanted: only a question for papers excludes papers.
            kind = kind if exclusion.sure and kinds[Kind.LIST] < MAYBE_LIST else Kind.LIST
            text, ruled_out = exclusion.wanted, exclusion.topic
            vectors = await self._library.embed(text)
        else:
            ruled_out = ""
            # A comparison needs all the names in it, and a title may contain a question mark.
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
    """Put a question on one line, without mentions of the bot, custom emoji and invisible characters."""
    seen = "".join(
        character
        for character in unicodedata.normalize("NFC", without_address(asked))
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join(seen.split())


def sides(text: str) -> tuple[str, ...]:
    """Find the things that a question compares, if it names them in a fixed form."""
    match = _VERSUS.search(text)
    if match is None or len(text.split()) > LONGEST_COMPARISON:
        return ()
    first, second = (match["a"], match["b"]) if match["a"] else (match["c"], match["d"])
    # In "between A, B and C", commas separate the names before the last.
    parts = [part.strip() for part in first.split(", ")] if match["a"] else [first.strip()]
    found = (*parts, second.strip())
    return found if all(map(content_terms, found)) else ()
