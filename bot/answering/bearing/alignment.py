"""Which word of a sentence answers to which word of a statement: the same one, one that means the same, its opposite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.answering.bearing.opposites import opposition, related

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.bearing.words import Word

_SAME: Final = 1.0
_RELATED: Final = 0.7
_AROUND: Final = 4  # words on each side that tell which of several like words is meant


@dataclass(frozen=True, slots=True)
class Pair:
    """A word of the statement and the word of the source that answers to it.

    `likeness` is 1 of the same word, less of one that means nearly the same, and negative of its opposite.
    """

    said: Word
    held: Word
    likeness: float


def align(said: Sequence[Word], held: Sequence[Word]) -> tuple[Pair, ...]:
    """Pair each word of a statement that has content with the word of the source most like it and its surroundings."""
    stems = [word.stem for word in held]
    pairs = []
    for word in said:
        if not word.content:
            continue
        best = max(
            ((_likeness(word, other), other) for other in held if _likeness(word, other)),
            key=lambda found: (abs(found[0]) if found[0] != -1 else 0.6) + 0.1 * _shared(word, found[1], said, stems),
            default=None,
        )
        if best:
            pairs.append(Pair(word, best[1], best[0]))
    return tuple(pairs)


def _likeness(word: Word, other: Word) -> float:
    if word.text == other.text or (word.stem == other.stem and len(word.stem) > 3):  # noqa: PLR2004
        return _SAME if not opposition(word.text, other.text) else -opposition(word.text, other.text)
    if not other.content and not opposition(word.text, other.text):
        return 0.0
    against = opposition(word.text, other.text)
    if against:
        return -against
    return _RELATED if related(word.text, other.text) else 0.0


def _shared(word: Word, other: Word, said: Sequence[Word], stems: Sequence[str]) -> int:
    """Count the words around a word that stand around the other too."""
    around = {each.stem for each in said[max(0, word.at - _AROUND) : word.at + _AROUND + 1] if each.at != word.at}
    return len(around.intersection(stems[max(0, other.at - _AROUND) : other.at + _AROUND + 1]))
