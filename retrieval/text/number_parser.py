"""The number parser: finds the numbers of a text, in digits and in words, with scale, unit and shares."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from text_to_num import find_numbers

from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LANGUAGES: Final = frozenset({"en", "de", "fr"})  # languages whose number words and units are known
_SCALES: Final = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "bn": 10**9, "billion": 10**9,
    "t": 10**12, "trillion": 10**12,
    "tausend": 10**3, "mille": 10**3, "millionen": 10**6, "millions": 10**6, "milliarden": 10**9, "milliards": 10**9,
}  # fmt: skip
_NAMED_SCALES: Final = "|".join(sorted((name for name in _SCALES if len(name) > len("bn")), key=len, reverse=True))
_GROUPED: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:,? \d{3})+(?!\d)|\d{1,3}(?:\.\d{3}){2,}"
_DIGITS: Final = rf"(?:{_GROUPED}|\d+,\d{{1,2}}(?!\d|,\d)|\d+(?:\.\d+)?)"
_NUMBER: Final = re.compile(
    rf"(?:(?<![^\W\d_])(?P<prefix>[^\W\d_]++)-?)?(?<!\d)(?P<digits>{_DIGITS})(?:/(?P<below>\d+))?"
    rf"(?:(?P<letter>[kmbt]|bn)(?![^\W_])|[\s-]?(?P<scale>{_NAMED_SCALES})\b|-?(?P<dimension>d)\b)?"
    r"(?!(?:st|nd|rd|th)\b)"
)
_PERCENT: Final = r"(?:%|per\s?cent|percentage|points?\b|prozent|pour (?:cent|100)\b)"
_BETWEEN: Final = r"\s*(?:%|,|and|or|to|-|/|vs\.?|und|bis|et|a)\s*(?:and\s+)?"
# In "2.1, 3 and 4.5%" every number is a percentage; in "25 to 50 minutes" both are minutes.
_PERCENTAGES: Final = re.compile(rf"{_DIGITS}(?:{_BETWEEN}{_DIGITS})*[\s-]*{_PERCENT}")
_PER_HUNDRED: Final = re.compile(rf"[\s-]*{_PERCENT}")
_JOINED: Final = re.compile(r"\s*(?:-|to|and|or|bis|und|et|a)\s*")
_WORD: Final = re.compile(r"[^\W\d_]+|[^\s\w]|[\d_]+")
_UNIT: Final = re.compile(r"[\s-]*(?:of |d')?(?:an? )?(?P<unit>[^\W\d_]+(?: [^\W\d_]+)?|×)")
_OF: Final = re.compile(r"(?: [^\W\d_]+){0,2} (?:out of|in|of|von|sur|des)(?: the| every| den)? ")
_PARTS: Final = (
    dict.fromkeys(["half", "halves", "halfte", "moitie"], 2)
    | dict.fromkeys(["quarter", "quarters", "viertel", "quart", "quarts"], 4)
    | dict.fromkeys(["drittel", "tiers"], 3)
    | {"funftel": 5, "sechstel": 6, "siebtel": 7, "achtel": 8, "neuntel": 9, "zehntel": 10}
)
# Number words as folded, and as spelled.
_UNFOLDED: Final = {"de": (("funf", "fünf"), ("zwolf", "zwölf"), ("dreissig", "dreißig"))}
_ONE: Final = frozenset(["a", "an", "one", "ein", "eine", "un", "une"])
_LARGEST_ROUNDED: Final = 3  # trailing zeros that may be due to rounding
_FROM_ROUNDED: Final = 10**4


class Span(NamedTuple):
    """A (start, end) in a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        value: its value, with scale applied, in the base unit of its kind; 40 for 40 %.
        kind: the kind of its unit ("time"), "percent", "part" (as in three quarters), or None.
        span: its position in the folded text.
        step: the value of its last digit.
        otherwise: other readings of the digits (14.848 may be 14848; 200, 000 may be two numbers).
        spelled: whether it is written in words.
    """

    value: Decimal
    kind: str | None
    span: Span
    step: Decimal = Decimal(1)
    otherwise: tuple[Decimal, ...] = ()
    spelled: bool = False


@dataclass(frozen=True, slots=True)
class Numerals:
    """A folded text and its numbers.

    Attributes:
        text: the text.
        numbers: its numbers, in order; "one" is left out, as it is a pronoun too often.
        names: folded names that contain a number, split into parts: ("gpt", "4"), ("3", "d").
        shares: shares given as two numbers, such as 17 of 40: (share, part, whole).
    """

    text: str
    numbers: tuple[Number, ...]
    names: frozenset[tuple[str, ...]]
    shares: tuple[tuple[Decimal, Number, Number], ...]


@lru_cache(maxsize=512)  # the checks parse the same quotes and abstracts several times
def numerals(text: str, language: str = "en") -> Numerals:
    """Find the numbers of a text; number words are read in its language, or in English if that is not supported."""
    folded = fold(text.replace("m³", "cubic meters"))
    digits, names = _in_digits(folded)
    spelled = _in_words(folded, language if language in LANGUAGES else "en")
    found = sorted([*digits, *spelled], key=lambda number: number.span)
    found = _with_shared_units(folded, found)
    numbers = tuple(number for number in found if not _is_pronoun(number))
    return Numerals(folded, numbers, names, tuple(_shares(folded, found)))


def _is_pronoun(number: Number) -> bool:
    return number.spelled and number.value == 1 and number.kind is None


def _in_digits(text: str) -> tuple[list[Number], frozenset[tuple[str, ...]]]:
    percentages = [match.span() for match in _PERCENTAGES.finditer(text)]
    numbers: list[Number] = []
    names: set[tuple[str, ...]] = set()
    for match in _NUMBER.finditer(text):
        if match["prefix"] or match["dimension"]:
            names.add(tuple(filter(None, match.group("prefix", "digits", "dimension"))))
        else:
            percent = any(start <= match.start() < end for start, end in percentages)
            numbers.append(_number(match, text, percent=percent))
    return numbers, frozenset(names)


def _number(match: re.Match[str], text: str, *, percent: bool) -> Number:
    first, *others = _values(match["digits"])
    scale = Decimal(_SCALES.get(match["letter"] or match["scale"] or "", 1))
    kind, worth = ("percent", Decimal(1)) if percent else _unit(text, match.end())
    span = Span(*match.span())
    if match["below"] and (below := Decimal(match["below"])):
        return Number(first / below * worth, kind or "part", span)
    step = _step(match["digits"], first) * scale * worth
    return Number(first * scale * worth, kind, span, step, tuple(other * scale for other in others))


def _values(digits: str) -> tuple[Decimal, ...]:
    """The value of some digits, followed by the other reading, which may be several numbers."""
    if re.fullmatch(r"\d+,\d{1,2}", digits):
        return (Decimal(digits.replace(",", ".")),)
    if " " in digits:
        return (Decimal(re.sub(r"\D", "", digits)), *map(Decimal, re.findall(r"\d+", digits)))
    if re.fullmatch(r"\d{1,3}\.\d{3}", digits):
        return (Decimal(digits), Decimal(digits.replace(".", "")))
    grouped = re.fullmatch(r"\d+(?:\.\d{3}){2,}", digits)
    return (Decimal(digits.replace("." if grouped else ",", "")),)


def _step(digits: str, value: Decimal) -> Decimal:
    exponent = int(value.as_tuple().exponent)
    if exponent < 0:
        return Decimal(10) ** exponent
    noughts = len(digits) - len(digits.rstrip("0, ")) if value >= _FROM_ROUNDED else 0
    return Decimal(10) ** min(noughts, _LARGEST_ROUNDED)


def _unit(text: str, start: int) -> tuple[str | None, Decimal]:
    if match := _UNIT.match(text, start):
        words = match["unit"]
        for unit in (words, words.split(" ", maxsplit=1)[0]):
            if found := _units().get(unit):
                return found
    return None, Decimal(1)


@cache
def _units() -> dict[str, tuple[str, Decimal]]:
    data: dict[str, Any] = json.loads(resources.files(__package__).joinpath("units.json").read_text(encoding="utf-8"))
    return {word: (kind, Decimal(str(worth))) for kind, words in data["kinds"].items() for word, worth in words.items()}


def _with_shared_units(text: str, numbers: Sequence[Number]) -> list[Number]:
    """Give a number without a unit that of the number it is joined to, as 25 in "25 to 50 minutes"."""
    done: list[Number] = []
    for number in reversed(numbers):
        following = done[-1] if done else None
        if number.kind is None and following and _JOINED.fullmatch(text[number.span.end : following.span.start]):
            kind, worth = _unit(text, following.span.end)
            done.append(replace(number, kind=kind, value=number.value * worth, step=number.step * worth))
        else:
            done.append(number)
    return done[::-1]


def _shares(text: str, numbers: Sequence[Number]) -> Iterator[tuple[Decimal, Number, Number]]:
    for part, whole in pairwise(numbers):
        counts = part.kind is None and whole.kind is None and 0 < part.value < whole.value
        if counts and _OF.fullmatch(text[part.span.end : whole.span.start]):
            yield part.value / whole.value, part, whole


class _Token:
    """A word with the interface that `find_numbers` needs."""

    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        return self._text

    def nt_separated(self, _previous: _Token) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


def _in_words(text: str, language: str) -> list[Number]:
    """Find numbers written in words, and parts: two thirds, a quarter, half."""
    words = list(_WORD.finditer(text))
    # The scale in "5 million" belongs to the digits.
    masked = [
        "," if index and words[index - 1][0].isdigit() and word[0] in _SCALES else word[0]
        for index, word in enumerate(words)
    ]
    counts: dict[int, tuple[int, Decimal]] = {}  # index after the last word -> (first index, value)
    ordinals: dict[int, tuple[int, Decimal]] = {}  # first index -> (index after, value)
    spelled = [_unfolded(word, language) for word in masked] if language in _UNFOLDED else masked
    for found in find_numbers([_Token(word) for word in spelled], language, 0.0):
        if masked[found.start - 1 : found.start] == ["pour"]:
            continue  # the "cent" of "pour cent"
        if found.is_ordinal:
            ordinals[found.start] = (found.end, Decimal(str(found.value)))
        else:
            counts[found.end] = (found.start, Decimal(str(found.value)))
    for index, word in enumerate(masked):
        if word in _PARTS:
            ordinals[index] = (index + 1, Decimal(_PARTS[word]))
    numbers = []
    for first, (end, below) in ordinals.items():
        part = _part(masked, counts, first, end)
        if part is not None:
            start, above = part
            numbers.append(_spelled(text, Span(words[start].start(), words[end - 1].end()), above / below, "part"))
    numbers += [
        _spelled(text, Span(words[start].start(), words[end - 1].end()), value, None)
        for end, (start, value) in counts.items()
    ]
    return numbers


def _unfolded(word: str, language: str) -> str:
    for plain, written in _UNFOLDED[language]:
        word = word.replace(plain, written)
    return word


def _part(
    words: Sequence[str], counts: dict[int, tuple[int, Decimal]], first: int, end: int
) -> tuple[int, Decimal] | None:
    """(first index, numerator) of the part whose ordinal is at `first`; None for a plain ordinal."""
    before = first - 1 if first and words[first - 1] == "-" else first
    named = words[first] in _PARTS
    if before in counts and (named or counts[before][1] > 1 or words[first] != "second"):
        return counts.pop(before)
    if before and words[before - 1] in _ONE and (named or words[end : end + 1] == ["of"]):
        return before - 1, Decimal(1)
    return (first, Decimal(1)) if named else None


def _spelled(text: str, span: Span, value: Decimal, kind: str | None) -> Number:
    if _PER_HUNDRED.match(text, span.end):
        return Number(value, "percent", span, spelled=True)
    unit, worth = _unit(text, span.end)
    return Number(value * worth, unit or kind, span, spelled=True)
