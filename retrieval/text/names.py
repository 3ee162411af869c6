"""Author names: parsing and comparing their spellings, and finding possible names in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from retrieval.text.importance import importance
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

NameForm: TypeAlias = Literal["full", "initial", "surname", "given"]

NAME_FORMS: Final[tuple[NameForm, ...]] = get_args(NameForm)
LONGEST_NAME: Final = 5  # words; 13 of 71,000 arXiv authors have more

_WORD: Final = re.compile(r"[^\W_]+(?:['’ʼ](?!s\b)[^\W_]+)*")
_NO_LETTERS: Final = re.compile(r"[\W_]+")
_LATEX: Final = re.compile(r"[\\{}$~`]")
_WITHIN_NAME: Final = re.compile(r"\.?[\s~-]*")
_OTHERS: Final = re.compile(r"[\s,]+(?:et\s+al|and\s+others)\b.*", re.IGNORECASE | re.DOTALL)
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "phd"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name for comparison: its folded words, given name first."""

    words: tuple[str, ...]

    @classmethod
    def read(cls, written: str) -> Name:
        """Parse "Yejin Choi" or "Choi, Yejin"; punctuation alone gives a name without words."""
        first, comma, last = _OTHERS.sub("", _folded(written)).partition(",")
        words, rest = ([word for word, _ in _words(part)] for part in (first, last))
        if comma and rest and rest[0] not in _SUFFIXES:
            words = rest + words
        while len(words) > 2 and words[-1] in _SUFFIXES:  # noqa: PLR2004  # a given name, a surname
            words.pop()
        return cls(tuple(words))

    def forms(self, kind: NameForm) -> tuple[str, ...]:
        """The forms of one kind under which the name can be found.

        Args:
            kind: "full" (with and without middle names), "initial" (only the first letter of the given name),
                "surname" (all candidates, such as "van der maaten" and "maaten") or "given".
        """
        first, *others = self.words or ("",)
        if not others:
            return self.words if kind == "full" else ()
        if kind == "full":
            return tuple(dict.fromkeys((" ".join(self.words), f"{first} {others[-1]}")))
        if kind == "initial":
            return (f"{first[0]} {others[-1]}",)
        if kind == "surname":
            return tuple(" ".join(self.words[start:]) for start in range(1, len(self.words)))
        return () if self.abbreviated else (first,)

    @property
    def in_full(self) -> bool:
        """Whether it has both a given name and a surname."""
        return len(self.words) > 1 and not self.abbreviated

    @property
    def abbreviated(self) -> bool:
        """Whether the given name is only an initial."""
        return len(self.words[0]) == 1 and self.words[0].isascii()  # a Chinese name may be one character


@dataclass(frozen=True, slots=True)
class Written:
    """Adjacent words of a text that may be a name, and their (start, end)."""

    name: Name
    span: tuple[int, int]


def possible_names(text: str) -> Iterator[Written]:
    """Yield all runs of words in a text that may be a name, longest runs first.

    Some authors are called "The Team" or "Can He", so a run with a function word of a question must be capitalised.
    """
    found = list(_words(text))
    joined = [bool(_WITHIN_NAME.fullmatch(text, one[1], other[0])) for (_, one), (_, other) in pairwise(found)]
    capital = [text[start].isupper() for _, (start, _) in found]
    common = [importance(word) < 1 for word, _ in found]
    for length in range(LONGEST_NAME, 0, -1):
        for start in range(len(found) - length + 1):
            end = start + length
            if all(joined[start : end - 1]) and (not any(common[start:end]) or all(capital[start:end])):
                words = tuple(word for word, _ in found[start:end])
                yield Written(Name(words), (found[start][1][0], found[end - 1][1][1]))


def _words(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the folded words of a text, without apostrophes, and their (start, end)."""
    for match in _WORD.finditer(text):
        if word := _NO_LETTERS.sub("", _folded(match[0])):
            yield word, match.span()


def _folded(text: str) -> str:
    """Fold a text, with a fast path for plain ASCII: a paper may have thousands of authors."""
    return text.lower() if text.isascii() and not _LATEX.search(text) else fold(text)
