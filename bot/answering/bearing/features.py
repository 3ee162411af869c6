"""What the fitted score looks at: how the words of a statement stand to those of the sentences that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Final

from bot.answering.bearing.alignment import Pair, align
from bot.answering.bearing.words import Word, words
from retrieval.numerals import numerals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.numerals import Number, Numerals

Features = dict[str, float]

_PIVOTS: Final = frozenset(["from", "to", "than", "while", "but", "whereas", "over"])
_BY: Final = frozenset(["by", "von", "par"])
_NEAR_BY: Final = 3  # words after a verb in which the "by" of a passive stands
_MOST_SWAPPED: Final = 4  # numbers of one kind whose owners are compared


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement and its source, word by word, with the words that answer to each other."""

    said: tuple[Word, ...]
    held: tuple[Word, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, statement: str, source: str) -> Reading:
        """Read both."""
        said, held = words(statement), words(source)
        return cls(said, held, align(said, held))


def features(statement: str, source: str) -> Features:
    """Describe how a statement stands to the sentences that should bear it out."""
    reading = Reading.of(statement, source)
    content = [word for word in reading.said if word.content]
    return {
        **opposing(reading),
        "unheld": 1 - len(reading.pairs) / len(content) if content else 0.0,
        "unheld words": float(len(content) - len(reading.pairs)),
        "crossed": _crossed(reading),
        "inverted": _inverted(reading),
        "numbers moved": _moved(numerals(statement), numerals(source)),
    }


def opposing(reading: Reading) -> Features:
    """Count what stands on one side negated, and what has its opposite on the other, where one does not undo the other."""
    negated = dict.fromkeys(_cues(reading.said), False)
    denied = dict.fromkeys(_cues(reading.held), False)
    reached: dict[int, int] = dict.fromkeys(negated, 0)
    holding: dict[int, int] = dict.fromkeys(denied, 0)
    opposite = nearly = 0.0
    for pair in reading.pairs:
        here, there = pair.said.negation, pair.held.negation
        against = pair.likeness < 0
        if here is not None:
            reached[here] += 1
            negated[here] |= against or there is not None
        if there is not None:
            holding[there] += 1
            denied[there] |= against or here is not None
        if against and (here is None) == (there is None):
            opposite += pair.likeness == -1
            nearly += pair.likeness != -1
    return {
        "opposite": min(opposite, 2.0),
        "nearly opposite": min(nearly, 2.0),
        "negated": min(2.0, sum(1.0 for cue, undone in negated.items() if not undone and reached[cue])),
        "negated alone": float(any(not undone and not reached[cue] for cue, undone in negated.items())),
        "denied": min(2.0, sum(1.0 for cue, undone in denied.items() if not undone and holding[cue] > 1)),
        "denied in part": float(any(not undone and holding[cue] == 1 for cue, undone in denied.items())),
    }


def _cues(some: Iterable[Word]) -> list[int]:
    return [word.at for word in some if word.negates]


def _inverted(reading: Reading) -> float:
    """Return the share (0..1) of the pairs of words that stand in another order in the source."""
    places = [pair.held.at for pair in reading.pairs if pair.likeness == 1]
    both = [(one, other) for one, other in combinations(places, 2) if one != other]
    return sum(one > other for one, other in both) / len(both) if both else 0.0


def _crossed(reading: Reading) -> float:
    """Say how far (0..1) what stands around a word has changed sides: who outperforms whom, from what to what."""
    worst = 0.0
    same = [pair for pair in reading.pairs if pair.likeness > 0]
    pivots = [(pair.said, pair.held) for pair in same]
    pivots += [
        (word, other) for word in reading.said for other in reading.held if word.text in _PIVOTS and word.text == other.text
    ]
    for said, held in pivots:
        left = [pair.held.at < held.at for pair in same if pair.said.at < said.at and pair.held.at != held.at]
        right = [pair.held.at > held.at for pair in same if pair.said.at > said.at and pair.held.at != held.at]
        if not left or not right:
            continue
        straight, crossed = min(sum(left), sum(right)), min(len(left) - sum(left), len(right) - sum(right))
        if _passive(said, reading.said) != _passive(held, reading.held):
            straight, crossed = crossed, straight
        worst = max(worst, (crossed - straight) / (crossed + straight) if crossed > straight else 0.0)
    return worst


def _passive(word: Word, among: Sequence[Word]) -> bool:
    after = among[word.at + 1 : word.at + 1 + _NEAR_BY]
    return word.text.endswith(("ed", "en", "own")) and any(each.text in _BY for each in after)


def _moved(said: Numerals, held: Numerals) -> float:
    """Say how much better (0..1) the numbers fit the source if they change places among themselves."""
    worst = 0.0
    for kind in {number.kind for number in said.numbers}:
        here = [number for number in said.numbers if number.kind == kind][:_MOST_SWAPPED]
        there = [number for number in held.numbers if number.kind == kind]
        worst = max(worst, _misplaced(here, there, said.text, held.text))
    return worst


def _misplaced(here: Sequence[Number], there: Sequence[Number], said: str, held: str) -> float:
    found = []
    for number in here:
        own = [other for other in there if other.value == number.value]
        if not own:
            continue
        before, after = _sides(number, here, said)
        fits = max(_fit(before, after, _sides(other, there, held)) for other in own)
        others = max(
            (_fit(before, after, _sides(other, there, held)) for other in there if other.value != number.value), default=0.0
        )
        found.append(others - fits)
    return max(0.0, *found) if found else 0.0


def _sides(number: Number, among: Sequence[Number], text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems between a number and its neighbours, before and after it."""
    start = max((each.span.end for each in among if each.span.end <= number.span.start), default=0)
    end = min((each.span.start for each in among if each.span.start >= number.span.end), default=len(text))
    before = [word.stem for word in words(text[start : number.span.start])][-6:]
    after = [word.stem for word in words(text[number.span.end : end])][:6]
    return frozenset(before), frozenset(after)


def _fit(before: frozenset[str], after: frozenset[str], other: tuple[frozenset[str], frozenset[str]]) -> float:
    shared = len(before & other[0]) + 1.5 * len(after & other[1])
    return shared / max(1.0, len(before) + 1.5 * len(after))
