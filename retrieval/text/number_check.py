"""The number check: finds numbers in a statement that its sources do not support."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Final

from retrieval.text.number_parser import Number, Numerals, numerals
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALMOST: Final = Decimal("0.1")  # the largest relative change by rounding
_SOME_PARTS: Final = Decimal("0.03")  # how far a share in words ("four fifths") may be from the exact one
_FEW: Final = 12  # spelled-out counts up to this may be anywhere in the paper
_HUNDRED: Final = Decimal(100)
# Words that imply the number two.
_TWOFOLD: Final = frozenset(
    ["both", "pair", "pairs", "twice", "double", "doubles", "doubled", "doubling", "twofold", "dual", "half"]
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def unsupported(statement: str, near: str, whole: str, language: str = "en") -> list[str]:
    """Find the numbers of a statement that its sources do not support, in normalised form.

    Amounts must be in `near` (the sentences of the quotes), with the same unit, and percentages as percentages; they
    may be rounded, given as a share, or be the sum or the difference of two numbers. Numbers in names (GPT-4) and
    small spelled-out ones may be anywhere in `whole`.
    """
    stated = numerals(statement, language)
    if not stated.numbers and not stated.names:
        return []
    close, anywhere, folded = numerals(near), numerals(whole), fold(whole)
    shared = _as_shares(stated, close)
    return [
        *(
            _written(number)
            for number in stated.numbers
            if number not in shared and not _given(number, close) and not _counted(number, anywhere, folded)
        ),
        *("".join(name) for name in stated.names if not _named(name, folded)),
    ]


def count_given(statement: str, near: str) -> int:
    """Count the numbers of a statement that its source supports but writes differently."""
    stated, close = numerals(statement), numerals(near)
    shared = _as_shares(stated, close)
    return sum(
        number in shared or (_given(number, close) and not _stands_so(number, stated, close))
        for number in stated.numbers
    )


def _stands_so(number: Number, stated: Numerals, source: Numerals) -> bool:
    written = stated.text[slice(*number.span)]
    return any(written == source.text[slice(*other.span)] for other in source.numbers)


def _written(number: Number) -> str:
    sign = "%" if number.kind == "percent" else ""
    return f"{number.value.normalize():f}{sign}"


def _given(number: Number, source: Numerals) -> bool:
    """Whether a source supports a number: exactly, rounded, as a share, as a sum or as a difference."""
    return (
        any(_same(number, other) for other in source.numbers)
        or (bool(number.otherwise) and all(_stands(value, source) for value in number.otherwise))
        or any(_close(number, share) for share in _shares(source))
        or _is_sum(number, source)
    )


def _stands(value: Decimal, source: Numerals) -> bool:
    return any(value in {other.value, *other.otherwise} for other in source.numbers)


def _same(number: Number, other: Number) -> bool:
    if number.kind == "percent" and other.kind != "percent":
        return False
    if number.kind not in {None, "percent", "part", other.kind}:
        return False
    return any(_rounds_to(number, value) for value in (other.value, *other.otherwise))


def _rounds_to(number: Number, value: Decimal) -> bool:
    difference = abs(number.value - value)
    return difference <= number.step / 2 and difference <= abs(value) * _ALMOST


def _shares(source: Numerals) -> Iterable[Decimal]:
    """Yield the shares in a source, 0..1: percentages, parts, and pairs such as 17 of 40."""
    for number in source.numbers:
        if number.kind == "percent":
            yield number.value / _HUNDRED
        if number.kind == "part":
            yield number.value
    for share, *_ in source.shares:
        yield share


def _close(number: Number, share: Decimal) -> bool:
    if number.kind == "part":
        return abs(number.value - share) <= min(_SOME_PARTS, share / 8)
    return number.kind == "percent" and abs(number.value - share * _HUNDRED) <= number.step / 2


def _as_shares(stated: Numerals, source: Numerals) -> set[Number]:
    """The numbers of a statement that state a share which the source writes differently: 88 of 100 for 88 %."""
    return {
        number
        for share, *pair in stated.shares
        if any(abs(share - other) <= min(_SOME_PARTS, other / 8) for other in _shares(source))
        for number in pair
    }


def _is_sum(number: Number, source: Numerals) -> bool:
    """Whether a number is the sum or difference of two numbers of one kind; False for small counts, by chance so."""
    if number.kind is None and number.value <= _FEW:
        return False
    return any(
        _rounds_to(number, total)
        for one, other in combinations(source.numbers, 2)
        if one.kind == other.kind and number.kind in {None, one.kind}
        for total in (one.value + other.value, abs(one.value - other.value))
    )


def _counted(number: Number, source: Numerals, folded: str) -> bool:
    """Whether a small spelled-out count is anywhere in a paper."""
    if not number.spelled or number.kind is not None or number.value > _FEW:
        return False
    if number.value == 2 and not _TWOFOLD.isdisjoint(_WORD.findall(folded)):  # noqa: PLR2004 - what twofold means
        return True
    return any(other.value == number.value for other in source.numbers)


def _named(name: tuple[str, ...], folded: str) -> bool:
    """Whether a name is in a text, with a hyphen, a space or nothing between its parts."""
    pattern = r"[\s-]?".join(re.escape(part) for part in name)
    return re.search(rf"(?<![^\W\d_]){pattern}(?!\d)", folded) is not None
