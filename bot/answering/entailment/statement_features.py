"""Features of the entailment score: how the words of a statement relate to those of the quoted sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.answering.entailment.alignment import Pair, align
from bot.answering.entailment.sentence_words import STEM, Word, words
from retrieval.text.number_parser import numerals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.text.number_parser import Number, Numerals

Features = dict[str, float]

_PIVOTS: Final = frozenset(["from", "to", "than", "while", "but", "whereas", "over"])
_UNIVERSAL: Final = frozenset(
    ["all", "every", "each", "always", "everything", "everyone", "entire", "entirely", "completely"]
)
_MAJORITY: Final = frozenset(["most", "mostly", "majority", "usually", "generally", "largely", "mainly", "typically"])
# Stems of strong words, and of other words that say the same.
_CAUSAL: Final = frozenset(
    ["becau", "cause", "due", "since", "as", "thus", "there", "hence", "owing", "reaso", "expla", "attri"]
)
_LIKE: Final = {
    frozenset(["becau"]): _CAUSAL,
    frozenset(["must"]): frozenset(["need", "needs", "neede", "requi", "neces", "have"]),
    frozenset(["only"]): frozenset(["limit", "incom", "restr", "just", "alone", "merel", "singl", "sole"]),
}
_FREE: Final = frozenset(["any", "either", "ever"])  # add nothing once they are negated
_SUPERLATIVE: Final = frozenset(["at", "the", "its", "their"])
_ALMOST: Final = frozenset(["almost", "nearly"])
_MOST: Final = 0.6  # least share of the words under a negation
_HALF: Final = 0.5
_BY: Final = frozenset(["by", "von", "par"])
_NEAR_BY: Final = 3  # words after a verb within which the "by" of a passive stands
_BESIDE: Final = 6  # words from a verb within which subject and object stand
_PARTIES: Final = 3  # aligned words needed on both sides together
_PARTY: Final = 2  # words looked at on each side
_EITHER_SIDE: Final = 0.6
_AROUND: Final = 6  # words before and after a number that tell what it belongs to
_MOST_SWAPPED: Final = 4  # numbers of one kind whose contexts are compared


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement and its source, word by word, with the aligned pairs."""

    stated: tuple[Word, ...]
    held: tuple[Word, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, statement: str, source: str) -> Reading:
        """Split and align both texts."""
        stated, held = words(statement), words(source)
        return cls(stated, held, align(stated, held))


def features(statement: str, source: str) -> Features:
    """Describe how a statement relates to the sentences that should support it."""
    reading = Reading.of(statement, source)
    content = [word for word in reading.stated if word.content]
    unheld = 1 - len(reading.pairs) / len(content) if content else 0.0
    crossed = _crossed(reading)
    return {
        **opposing(reading),
        "unheld": unheld,
        "unheld words": float(min(len(content) - len(reading.pairs), 8)),
        "crossed": crossed,
        "crossed though held": crossed * max(0.0, 1 - 2 * unheld) ** 2,
        "numbers moved": numbers_moved(numerals(statement), numerals(source)),
    }


def added(reading: Reading, source: Numerals) -> frozenset[str]:
    """Collect stems of a statement that its source lacks, except quantifiers and negations that the source supports."""
    held = {word.stem for word in reading.held} | _borne_out(reading.held, source)
    undone = _undone(reading)
    return frozenset(
        word.stem
        for word in reading.stated
        if word.stem not in held and not word.negates and not _denied(word, undone)
        if not _counts_nothing(word, reading.stated)
    )


def _denied(word: Word, undone: dict[int, bool]) -> bool:
    """Check whether a negated quantifier adds nothing: "any" never does, others if the source negates the same."""
    return word.negation is not None and (word.text in _FREE or (word.text in _UNIVERSAL and undone[word.negation]))


def _counts_nothing(word: Word, stated: Sequence[Word]) -> bool:
    """Check whether a word is no quantifier in its context: "20 in all", "nearly always", "at most 3", "only 3"."""
    ends = word.position + 1 == len(stated) or stated[word.position + 1].clause != word.clause
    before = stated[word.position - 1].text if word.position else ""
    if word.text in _UNIVERSAL:
        return ends or before in _ALMOST
    if word.text == "only":
        return not ends and stated[word.position + 1].text[0].isdigit()
    return word.text in _MAJORITY and (ends or before in _SUPERLATIVE)


def _borne_out(held: Sequence[Word], source: Numerals) -> set[str]:
    """Collect stems of strong words that a source expresses otherwise: 83 % is "most", "due to" is "because"."""
    texts = {word.text for word in held}
    stems = {word.stem for word in held}
    shares = [*(share for share, *_ in source.shares)]
    shares += [number.value / 100 for number in source.numbers if number.kind == "percent"]
    whole = not texts.isdisjoint(_UNIVERSAL) or 1 in shares
    mostly = whole or not texts.isdisjoint(_MAJORITY) or any(share > _HALF for share in shares)
    return {
        *(word[:STEM] for word in _UNIVERSAL if whole),
        *(word[:STEM] for word in _MAJORITY if mostly),
        *(stem for strong, others in _LIKE.items() if not stems.isdisjoint(others) for stem in strong),
    }


def _undone(reading: Reading) -> dict[int, bool]:
    """Check for each negation in a statement whether the source negates the same or says the opposite."""
    undone = dict.fromkeys(_cues(reading.stated), False)
    for pair in reading.pairs:
        if pair.stated.negation is not None:
            undone[pair.stated.negation] |= pair.likeness < 0 or pair.held.negation is not None
    return undone


def opposing(reading: Reading) -> Features:
    """Count negations and opposites on either side that have no counterpart on the other."""
    denied = dict.fromkeys(_cues(reading.held), False)
    opposite = nearly = 0.0
    for pair in reading.pairs:
        here, there = pair.stated.negation, pair.held.negation
        against = pair.likeness < 0
        if there is not None:
            denied[there] |= against or here is not None
        if against and (here is None) == (there is None):
            opposite += pair.likeness == -1
            nearly += pair.likeness != -1
    negated = [cue for cue, undone in _undone(reading).items() if not undone]
    taken_up = {pair.held.position for pair in reading.pairs}
    paired = {pair.stated.position for pair in reading.pairs}
    return {
        "opposite": min(opposite, 2.0),
        "nearly opposite": min(nearly, 2.0),
        **_reach("negated", negated, reading.stated, paired),
        **_reach("denied", [cue for cue, undone in denied.items() if not undone], reading.held, taken_up),
    }


def _reach(name: str, cues: Sequence[int], among: Sequence[Word], paired: set[int]) -> Features:
    """Measure how many of the words under negations are aligned with the other side, counting from the next word."""
    scopes = [[word.position in paired for word in among if word.negation == cue and word.content] for cue in cues]
    mostly = [bool(scope) and sum(scope) > 1 and sum(scope) >= _MOST * len(scope) for scope in scopes]
    return {
        name: float(any(mostly)),
        f"{name} next": float(
            any(scope[:1] == [True] and not most for scope, most in zip(scopes, mostly, strict=True))
        ),
        f"{name} further on": float(
            any(scope[:1] == [False] and any(scope) and not most for scope, most in zip(scopes, mostly, strict=True))
        ),
        f"{name} elsewhere": float(any(not any(scope) for scope in scopes)) if name == "negated" else 0.0,
    }


def _cues(some: Iterable[Word]) -> list[int]:
    return [word.position for word in some if word.negates]


def _crossed(reading: Reading) -> float:
    """Rate how far (0..1) words changed sides around a verb or preposition: who outperforms whom, from what to what."""
    worst = 0.0
    same = [pair for pair in reading.pairs if pair.likeness > 0]
    pivots = [(pair.stated, pair.held) for pair in same]
    pivots += [
        (word, other)
        for word in reading.stated
        for other in reading.held
        if word.text in _PIVOTS and word.text == other.text
    ]
    for stated, held in pivots:
        left = [
            pair.held.position < held.position
            for pair in _nearest(same, stated, -1)
            if pair.held.position != held.position
        ]
        right = [
            pair.held.position > held.position
            for pair in _nearest(same, stated, 1)
            if pair.held.position != held.position
        ]
        if not left or not right:
            continue
        if len(left) + len(right) < _PARTIES:
            continue
        straight, crossed = min(sum(left), sum(right)), min(len(left) - sum(left), len(right) - sum(right))
        if _passive(stated, reading.stated) != _passive(held, reading.held):
            straight, crossed = crossed, straight
        worst = max(worst, (crossed - straight) / (crossed + straight) if crossed > straight else 0.0)
    return worst


def _nearest(pairs: Sequence[Pair], word: Word, side: int) -> list[Pair]:
    """Find the pairs nearest to a word, on one side of it."""
    there = [
        pair
        for pair in pairs
        if (pair.stated.position - word.position) * side > 0 and abs(pair.stated.position - word.position) <= _BESIDE
    ]
    return sorted(there, key=lambda pair: abs(pair.stated.position - word.position))[:_PARTY]


def _passive(word: Word, among: Sequence[Word]) -> bool:
    after = among[word.position + 1 : word.position + 1 + _NEAR_BY]
    return word.text.endswith(("ed", "en", "own")) and any(follower.text in _BY for follower in after)


def numbers_moved(stated: Numerals, held: Numerals) -> float:
    """Rate how much better (0..1) the numbers would fit the source if they were swapped."""
    worst = 0.0
    for kind in {number.kind for number in stated.numbers}:
        here = [number for number in stated.numbers if number.kind == kind][:_MOST_SWAPPED]
        there = [number for number in held.numbers if number.kind == kind]
        worst = max(worst, _misplaced(here, there, stated.text, held.text))
    return worst


def _misplaced(here: Sequence[Number], there: Sequence[Number], stated: str, held: str) -> float:
    found = []
    for number in here:
        own = [other for other in there if other.value == number.value]
        if not own:
            continue
        before, after = _sides(number, here, stated)
        fits = max(_fit(before, after, _sides(other, there, held)) for other in own)
        # The words that belong to a number may stand on its other side in the source, which counts for less.
        around = max(_fit(before | after, before | after, _both(_sides(other, there, held))) for other in own)
        fits = max(fits, _EITHER_SIDE * around)
        others = max(
            (_fit(before, after, _sides(other, there, held)) for other in there if other.value != number.value),
            default=0.0,
        )
        found.append(others - fits)
    return max(0.0, *found) if found else 0.0


def _sides(number: Number, among: Sequence[Number], text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Collect the stems before and after a number, up to its neighbouring numbers."""
    start = max((other.span.end for other in among if other.span.end <= number.span.start), default=0)
    end = min((other.span.start for other in among if other.span.start >= number.span.end), default=len(text))
    before = [word.stem for word in words(text[start : number.span.start])][-_AROUND:]
    after = [word.stem for word in words(text[number.span.end : end])][:_AROUND]
    return frozenset(before), frozenset(after)


def _both(sides: tuple[frozenset[str], frozenset[str]]) -> tuple[frozenset[str], frozenset[str]]:
    return sides[0] | sides[1], sides[0] | sides[1]


def _fit(before: frozenset[str], after: frozenset[str], other: tuple[frozenset[str], frozenset[str]]) -> float:
    shared = len(before & other[0]) + 1.5 * len(after & other[1])
    return shared / max(1.0, len(before) + 1.5 * len(after))
