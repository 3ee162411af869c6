"""Slips of the pen: a word that no paper has, nor anybody else, is read as the nearest that a paper has."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

from retrieval.lexical import NameTerm
from retrieval.query import importance
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.embedding import Embedder
    from retrieval.lexical import LexicalIndex
    from retrieval.paper_cache import PaperCache

_WORD: Final = re.compile(r"[^\W\d_]{5,}")
_CUT_SHORT: Final = 0.5
_LONG: Final = 9  # letters, from which on two slips are forgiven
_PAPERS: Final = 8  # with a similar word that are looked at
_MOST: Final = 6  # words that are corrected; a text with more is in another language, or no text


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text as it was most likely meant, and the words that were read as others, each with what it was read as."""

    text: str
    read_as: tuple[tuple[str, str], ...] = ()


async def correct(text: str, lexical: LexicalIndex, embedder: Embedder, paper_cache: PaperCache) -> Spelled:
    """Read words that no paper has as the nearest that one has: one slip in five letters, two in nine.

    English words ("planes", though no paper flies), names of authors, words that are one token of the embedding model
    and words in capitals are left alone.
    """
    similar = await asyncio.to_thread(_unknown, text, lexical, embedder)
    if not 0 < len(similar) <= _MOST:
        return Spelled(text)
    papers = await paper_cache.papers({paper_id for ids in similar.values() for paper_id in ids})
    texts = {paper_id: f"{paper.title}\n{paper.abstract}" for paper_id, paper in papers.items()}

    def choose() -> dict[str, str]:
        nearest = {word: _nearest(word, [texts[id_] for id_ in ids if id_ in texts]) for word, ids in similar.items()}
        return {word: near for word, near in nearest.items() if near}

    read_as = await asyncio.to_thread(choose)
    meant = _WORD.sub(lambda match: read_as.get(match[0], match[0]), text)
    return Spelled(meant, tuple(read_as.items()))


def _unknown(text: str, lexical: LexicalIndex, embedder: Embedder) -> dict[str, list[str]]:
    """Give the words that are nowhere known, each with ids of papers that have one like it."""
    alone = embedder.count_tokens("a")  # a piece, and those that the model adds to any text
    written = [word for word in dict.fromkeys(_WORD.findall(text)) if word[1:].islower()]
    return {
        word: lexical.similar(word, _slips(word), _PAPERS)
        for word in written
        if importance(fold(word)) == 1
        and not _known(word, lexical)
        and embedder.count_tokens(word) > alone
        and word not in _english()
    }


def _known(word: str, lexical: LexicalIndex) -> bool:
    return lexical.has(word) or any(lexical.frequency(NameTerm(form, fold(word))) for form in ("surname", "given"))


@cache
def _english() -> SpellChecker:
    return SpellChecker(language="en")


def _slips(word: str) -> int:
    return 2 if len(word) >= _LONG else 1


def _nearest(word: str, texts: Iterable[str]) -> str | None:
    """Give the word of some texts with the fewest slips; of those alike, the one that stands there most often."""
    counts: dict[str, int] = {}
    for text in texts:
        for other in _WORD.findall(fold(text)):
            counts[other] = counts.get(other, 0) + 1
    typed = fold(word)
    near = [(_distance(typed, other), -count, other) for other, count in counts.items()]
    slips, _, nearest = min(near, default=(0.0, 0, ""))
    return nearest if 0 < slips <= _slips(word) else None


def _distance(typed: str, other: str) -> float:
    """Count the slips, two letters swapped being one; a word that broke off is nearer than one that has any."""
    return _CUT_SHORT if other.startswith(typed) and other != typed else float(OSA.distance(typed, other))
