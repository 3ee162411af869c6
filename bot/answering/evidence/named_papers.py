"""Find the papers that a question names: by the short name in a title ("X: …"), or by the whole title."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from retrieval.text.terms import content_terms
from retrieval.text.text import bare_words, clean, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval import Hit

LONGEST_NAME: Final = 4  # words before the colon
MIN_SIMILARITY: Final = 88  # of 100, for a misspelled name or title
SHORTEST_MISSPELLED: Final = 6  # letters; a slip in a shorter name makes another word
SHORTEST_TITLE: Final = 3  # words
MOST_HOLDERS: Final = 3  # hits that may contain a name's words; with more, the words are ordinary ones


def own_name(title: str) -> str:
    """Extract the short name from a title such as "SERL: A Software Suite"; empty if it has none."""
    name, colon, _ = clean(title).partition(":")
    return name.strip() if colon and len(name.split()) <= LONGEST_NAME else ""


def named_by(title: str, question: str, among: Sequence[Hit]) -> bool:
    """Check whether a question names the paper with this title, misspelled or not.

    A short name counts only if few of the hits contain its words: not every question about agents names "Agents: …".
    """
    asked = _plain(question)
    whole = _plain(title)
    if (
        len(whole.split()) >= SHORTEST_TITLE
        and fuzz.partial_ratio(whole, asked) >= MIN_SIMILARITY
        and len(asked) >= 0.9 * len(whole)
    ):
        return True
    name = _plain(own_name(title))
    return bool(name) and _is_mentioned(name, asked) and _is_rare(name, among)


def has_rare_name_of(question: str, hit: Hit, among: Sequence[Hit]) -> bool:
    """Check whether a hit contains a name in the question (RoboFuME, xKV, GPT-4) that few hits contain."""
    words = ("".join(filter(str.isalnum, word)) for word in question.split())
    names = [word.casefold() for word in words if len(word) > 1 and not (word[1:].islower() or word.isdigit())]
    held = [frozenset(_plain(f"{hit.paper.title} {hit.paper.abstract}").split()) for hit in among]
    own = frozenset(_plain(f"{hit.paper.title} {hit.paper.abstract}").split())
    return any(name in own and sum(name in words for words in held) <= MOST_HOLDERS for name in names)


def _is_mentioned(name: str, asked: str) -> bool:
    if f" {name} " in f" {asked} ":
        return True
    joined = name.replace(" ", "")
    words = asked.split()
    if joined in {"".join(words[start : start + span]) for span in (1, 2, 3) for start in range(len(words))}:
        return True
    if len(joined) < SHORTEST_MISSPELLED:
        return False
    count = len(name.split())
    return any(
        fuzz.ratio(name, " ".join(words[start : start + count])) >= MIN_SIMILARITY
        for start in range(len(words) - count + 1)
    )


def _is_rare(name: str, among: Sequence[Hit]) -> bool:
    terms = frozenset(content_terms(name))
    if not terms:
        return False
    held = [frozenset(content_terms(f"{hit.paper.title} {hit.paper.abstract}")) for hit in among]
    return sum(terms <= words for words in held) <= MOST_HOLDERS


@lru_cache(maxsize=512)  # titles and texts of hits recur from question to question
def _plain(text: str) -> str:
    return " ".join(bare_words(fold(text)))
