"""Which names and acronyms a statement has that its papers do not hold, by the form of the words alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from retrieval.text import bare_words, clean, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

# A word with the dots, apostrophes and hyphens inside it, which are part of a name: "GPT-4.1", "O'Neil".
_TOKEN: Final = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_JOINTS: Final = str.maketrans("'’", "--")
_BEFORE_A_BEGINNING: Final = frozenset('.:;!?"“”„»«(')
_DASHES: Final = frozenset("-–—")
_ALIKE: Final = 85  # of 100, between two spellings of a name
_TELLING: Final = 3  # letters of an acronym
_LONG: Final = 5  # letters from which a name may be spelled in two ways


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a statement that its papers do not hold.

    Attributes:
        sure: those whose form is a name's in any place (GSM8K, StarCraft, PPO).
        likely: those that are capitalised within a sentence.
    """

    sure: tuple[str, ...]
    likely: tuple[str, ...]


def unheld_names(statement: str, papers: str, *, capitals: bool = True) -> Names:
    """Return the names that the papers' text does not hold; `capitals` says whether only names are capitalised."""
    text = clean(statement)
    held = _Held.of(papers)
    sure, likely = [], []
    for match in _TOKEN.finditer(text):
        begins = _begins_after(text[: match.start()])
        for index, part in enumerate(match[0].translate(_JOINTS).split("-")):
            if _is_name(part) and not held.name(match[0]) and not held.part(part, whole=part == match[0]):
                sure.append(part)
            elif capitals and len(part) > 1 and part.istitle() and not (begins and index == 0) and not held.word(part):
                likely.append(part)
    return Names(tuple(sure), tuple(likely))


def _begins_after(before: str) -> bool:
    """Say whether a sentence or a part of one, whose first word is capitalised anyway, begins after a text."""
    preceding = before.rstrip()
    if not preceding or preceding[-1] in _BEFORE_A_BEGINNING:
        return True
    return preceding[-1] in _DASHES and preceding != before and preceding[-2:-1].isspace()


def _is_name(part: str) -> bool:
    """Say whether a word has the form of a name: capitals within it, or letters and digits mixed."""
    return part.isalnum() and not part.isdigit() and len(part) > 1 and any(letter.isupper() for letter in part[1:])


@dataclass(frozen=True, slots=True)
class _Held:
    """The words of papers, in the ways in which a name may refer to them."""

    words: frozenset[str]
    joined: frozenset[str]
    initials: str

    @classmethod
    @lru_cache(maxsize=64)  # the statements of one answer are held against the same few papers, each twice
    def of(cls, papers: str) -> _Held:
        words = bare_words(fold(papers)) + bare_words(fold(papers.replace(".", "")))
        joined = {"".join(words[start : start + span]) for span in (2, 3) for start in range(len(words))}
        return cls(frozenset(words), frozenset(words) | joined, "".join(word[0] for word in words))

    def name(self, name: str) -> bool:
        folded = "".join(bare_words(fold(name)))
        forms = {folded, folded.removesuffix("s"), f"{folded}s"}
        return bool(forms & self.joined) or any(form in self.initials for form in (folded, folded.removesuffix("s")))

    def part(self, part: str, *, whole: bool) -> bool:
        """Say whether part of a name is held; two letters of a longer one are the initials of anything."""
        return self.name(part) if whole or len(part) >= _TELLING else fold(part) in self.words

    def word(self, word: str) -> bool:
        folded = fold(word)
        return self.name(word) or any(self._spelled(folded))

    def _spelled(self, folded: str) -> Iterator[bool]:
        for word in self.words:
            yield word[:_LONG] == folded[:_LONG] and len(folded) >= _LONG
            yield len(folded) >= _LONG and fuzz.ratio(word, folded) >= _ALIKE
