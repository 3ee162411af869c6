"""Positions in a list, as people write them: "the second one", "#3", "the first two", "le deuxième"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

# The stems of each ordinal in English, German, French and Spanish, without accents.
_ORDINALS: Final = {
    "first|1st|former|erste|premier|premiere|primer|primero|primera": 0,
    "second|2nd|zweite|deuxieme|segundo|segunda": 1,
    "third|3rd|dritte|troisieme|tercero|tercera": 2,
    "fourth|4th|vierte|quatrieme|cuarto|cuarta": 3,
    "fifth|5th|funfte|cinquieme|quinto|quinta": 4,
    "sixth|6th|sechste|sixieme|sexto|sexta": 5,
    "seventh|7th|siebte|septieme|septimo|septima": 6,
    "eighth|8th|achte|huitieme|octavo|octava": 7,
    "ninth|9th|neunte|neuvieme|noveno|novena": 8,
    "tenth|10th|zehnte|dixieme|decimo|decima": 9,
    "last|letzte|dernier|derniere|ultimo|ultima": -1,
}
POSITIONS: Final = {word: index for words, index in _ORDINALS.items() for word in words.split("|")} | {"latter": 1}
# An ordinal that counts papers, unlike "the first layer": at the end, or before a word that refers to papers.
ORDINAL: Final = re.compile(
    rf"\b({'|'.join(sorted(POSITIONS, key=len, reverse=True))})[nmrs]?\b"
    r"(?: (two|three|four|five|zwei|drei|deux|trois|dos|tres)\b)?"
    r"(?= (?:ones?|papers?|works?|study|studies|of|and|vs|with|arbeit|paper|et|y|und)\b|\W*$|\s*[,.:;?!)])"
)
# The same in digits, marked as a position or standing alone, so that "7 billion" does not match.
NUMBER: Final = re.compile(r"(?:#|\b(?:number|no\.?|nr\.?|paper|nummer|numero) ?)(10|[1-9])\b|^\W*(10|[1-9])\W*$")
_COUNTS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "zwei": 2, "drei": 3, "deux": 2, "trois": 3, "dos": 2}


def positions(text: str, length: int) -> tuple[int, ...]:
    """Find the positions (from 0) that a text names in a list of this length, in the order of the text.

    Empty for lists of fewer than two: nobody counts those.
    """
    if length < 2:  # noqa: PLR2004
        return ()
    folded = fold(text)
    named: list[int] = []
    for match in ORDINAL.finditer(folded):
        count = _COUNTS.get(match[2] or "", 3 if match[2] else 1)
        index = POSITIONS[match[1]]
        named += range(length - count, length) if index < 0 else range(index, index + count)
    named += [int(match[1] or match[2]) - 1 for match in NUMBER.finditer(folded)]
    return tuple(dict.fromkeys(index for index in named if 0 <= index < length))


def picked(question: str, choices: Sequence[str]) -> str:
    """Resolve a reply such as "2", "the second one" or "b)" to the choice that it picks, else return the reply."""
    reply = question.strip().strip(".!?()[]#").casefold()
    word = reply.removeprefix("the ").removeprefix("number ").removesuffix(" one")
    index = int(word) - 1 if len(word) == 1 and word in "123456789" else POSITIONS.get(word)
    return choices[index] if index is not None and choices and index < len(choices) else question
