"""Spelling: replaces words that are neither in any paper nor otherwise known by the nearest word of a paper."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import OSA
from spellchecker import SpellChecker

from retrieval.index.lexical import NameTerm
from retrieval.text.importance import importance
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.catalogue.paper_cache import PaperCache
    from retrieval.embedding import Embedder
    from retrieval.index.lexical import LexicalIndex

_WORD: Final = re.compile(r"[^\W\d_]{5,}")
_CUT_SHORT: Final = 0.5
_LONG: Final = 9  # words of this many letters may have two typos
_PAPERS: Final = 8  # papers to search for similar words
_MOST: Final = 6  # a text with more unknown words is in another language, or not a text


@dataclass(frozen=True, slots=True)
class Spelled:
    """A corrected text, and its corrections: (as typed, as read)."""

    text: str
    read_as: tuple[tuple[str, str], ...] = ()


async def correct(text: str, lexical: LexicalIndex, embedder: Embedder, paper_cache: PaperCache) -> Spelled:
    """Correct unknown words to the nearest word of a paper: one typo in five letters or more, two in nine or more.

    English words, names of authors, words that are a single token of the embedding model, and words in capitals are
    left alone.
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
    """The unknown words, each with ids of papers that have a similar one."""
    alone = embedder.count_tokens("a")  # one token, and the special ones
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
    """The word in some texts with the smallest edit distance, the most frequent one in a tie; None if none is near."""
    counts: dict[str, int] = {}
    for text in texts:
        for other in _WORD.findall(fold(text)):
            counts[other] = counts.get(other, 0) + 1
    typed = fold(word)
    near = [(_distance(typed, other), -count, other) for other, count in counts.items()]
    slips, _, nearest = min(near, default=(0.0, 0, ""))
    return nearest if 0 < slips <= _slips(word) else None


def _distance(typed: str, other: str) -> float:
    """The edit distance, with a transposition as one edit; if `typed` is a prefix of `other`, less than one edit."""
    return _CUT_SHORT if other.startswith(typed) and other != typed else float(OSA.distance(typed, other))
