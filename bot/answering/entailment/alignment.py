"""Align the words of a statement with those of a sentence: the same word, a similar one or its opposite."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from bot.answering.entailment.opposites import opposition, related

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.entailment.sentence_words import Word

_SAME: Final = 1.0
_RELATED: Final = 0.7
_OPPOSITE: Final = 0.6
_NEARBY: Final = 0.1  # for each surrounding word in common
_SHORT: Final = 3  # letters: two forms of a word have more than this many first letters in common
_COMMON: Final = 0.55  # ... and at least this share of the longer form
_AROUND: Final = 4  # words on each side that decide between several similar words


@dataclass(frozen=True, slots=True)
class Pair:
    """A word of the statement and the source word it is aligned with.

    `likeness` is 1 for the same word, less for a word of nearly the same meaning, and negative for an opposite.
    """

    stated: Word
    held: Word
    likeness: float


def align(stated: Sequence[Word], held: Sequence[Word]) -> tuple[Pair, ...]:
    """Pair each content word of a statement with the source word that is most like it in itself and its context."""
    stems = [word.stem for word in held]
    pairs = []
    for word in stated:
        if not word.content:
            continue
        # Most words differ already in their stems, which are quicker to compare.
        near = [other for other in held if other.stem == word.stem or (word.has_opposite and other.has_opposite)]
        found = [Pair(word, other, likeness) for other in near if (likeness := _likeness(word, other))]
        if len(found) > 1:
            found.sort(key=lambda pair: -_weight(pair.likeness) - _NEARBY * _shared(pair, stated, stems))
        pairs += found[:1]
    return tuple(pairs)


def _weight(likeness: float) -> float:
    return likeness if likeness > 0 else -_OPPOSITE * likeness


def _likeness(word: Word, other: Word) -> float:
    if word.text == other.text:
        return _SAME
    against = opposition(word.text, other.text) if word.has_opposite and other.has_opposite else 0.0
    if against:
        return -against
    if word.stem == other.stem and _begin_alike(word.text, other.text):
        return _SAME
    alike = word.has_opposite and other.has_opposite and other.content and related(word.text, other.text)
    return _RELATED if alike else 0.0


def _begin_alike(one: str, other: str) -> bool:
    """Check whether two words are forms of one: accurate and accuracy, but not transformer and transitivity."""
    common = sum(1 for _ in takewhile(lambda letters: letters[0] == letters[1], zip(one, other, strict=False)))
    return common > _SHORT and common >= _COMMON * max(len(one), len(other))


def _shared(pair: Pair, stated: Sequence[Word], stems: Sequence[str]) -> int:
    """Count the context words that two words share, plus one if both or neither is negated."""
    here, there = pair.stated.position, pair.held.position
    same = int((pair.stated.negation is None) == (pair.held.negation is None))
    around = {word.stem for word in stated[max(0, here - _AROUND) : here + _AROUND + 1] if word.position != here}
    return same + len(around.intersection(stems[max(0, there - _AROUND) : there + _AROUND + 1]))
