"""Read the numbers of a text so that 1,000 and 1000, 7B and 7 billion, 40% and 40 percent are the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from retrieval.text import fold

_SCALES: Final = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "bn": 10**9, "billion": 10**9,
    "t": 10**12, "trillion": 10**12,
}  # fmt: skip
# "One" is left out: it is a pronoun too often.
_COUNTS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12,
}  # fmt: skip
# A source that says these says two, whether or not it says the word.
_TWOFOLD: Final = frozenset(
    ["both", "pair", "pairs", "twice", "double", "doubles", "doubled", "doubling", "twofold", "dual", "half"]
)

_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER: Final = re.compile(
    rf"(?:(?P<prefix>[^\W\d_]+)-?)?(?P<digits>{_DIGITS})"
    r"(?:(?P<letter>[kmbt]|bn)(?![^\W_])|[\s-]?(?P<scale>thousand|million|billion|trillion)\b|-?(?P<dimension>d)\b)?"
)
# In "2.1, 3 and 4.5%" every number is a percentage.
_PERCENTAGES: Final = re.compile(
    rf"(?:{_DIGITS})(?:\s*(?:%|,|and|or|to|-|/|vs\.?)\s*(?:and\s+)?(?:{_DIGITS}))*"
    r"\s*(?:%|per\s?cent|percentage|points?\b)"
)
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Quantities:
    """Hold the numbers of a text, in the way in which it uses them.

    Attributes:
        amounts: numbers in digits, with their scale (7B is 7,000,000,000), percentages included.
        percentages: those that are percentages.
        names: folded names with a number in them, part by part: ("gpt", "4"), ("3", "d").
        counts: numbers in words, from two to twelve.
    """

    amounts: frozenset[Decimal]
    percentages: frozenset[Decimal]
    names: frozenset[tuple[str, ...]]
    counts: frozenset[Decimal]


def quantities(text: str) -> Quantities:
    """Return the numbers of a text."""
    folded = fold(text)
    percent_spans = [match.span() for match in _PERCENTAGES.finditer(folded)]
    amounts: set[Decimal] = set()
    percentages: set[Decimal] = set()
    names: set[tuple[str, ...]] = set()
    for match in _NUMBER.finditer(folded):
        digits = match["digits"].replace(",", "")
        if match["prefix"] or match["dimension"]:
            names.add(tuple(filter(None, match.group("prefix", "digits", "dimension"))))
            continue
        amount = Decimal(digits) * _SCALES.get(match["letter"] or match["scale"] or "", 1)
        amounts.add(amount)
        if any(start <= match.start() < end for start, end in percent_spans):
            percentages.add(amount)
    counts = {Decimal(_COUNTS[word]) for word in _WORD.findall(folded) if word in _COUNTS}
    return Quantities(frozenset(amounts), frozenset(percentages), frozenset(names), frozenset(counts))


def unsupported(statement: str, near: str, whole: str) -> list[str]:
    """Return the numbers of a statement that its sources do not give, as they are understood.

    Amounts must stand in `near` (the sentences of the quotes), and percentages as percentages; numbers in names
    (GPT-4) and in words may stand anywhere in `whole`.
    """
    stated = quantities(statement)
    if stated == quantities(""):
        return []
    close, anywhere, folded = quantities(near), quantities(whole), fold(whole)
    counted = anywhere.counts | anywhere.amounts
    if not _TWOFOLD.isdisjoint(_WORD.findall(folded)):
        counted |= {Decimal(2)}
    return [
        *(f"{amount:f}" for amount in stated.amounts - close.amounts - close.counts),
        *(f"{amount:f}%" for amount in stated.percentages - close.percentages),
        *("".join(name) for name in stated.names if not _named(name, folded)),
        *(f"{amount:f}" for amount in stated.counts - counted),
    ]


def _named(name: tuple[str, ...], folded: str) -> bool:
    """Say whether a name stands in a text, with a hyphen, a blank or nothing between its parts."""
    pattern = r"[\s-]?".join(re.escape(part) for part in name)
    return re.search(rf"(?<![^\W\d_]){pattern}(?!\d)", folded) is not None
