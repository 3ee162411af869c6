"""Find names and acronyms in a statement that its papers do not contain, by the form of the words alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from retrieval.text.text import bare_words, clean, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

# A word with its inner dots, apostrophes and hyphens, which are part of a name: "GPT-4.1", "O'Neil".
_TOKEN: Final = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_JOINTS: Final = str.maketrans("'’", "--")
_BEFORE_A_BEGINNING: Final = frozenset('.:;!?"“”„»«(')
_DASHES: Final = frozenset("-–—")
_ALIKE: Final = 85  # of 100; similarity of two spellings of a name
_TELLING: Final = 3  # letters; a shorter acronym proves nothing
_LONG: Final = 5  # letters; only names this long have variant spellings


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a statement that its papers do not contain.

    Attributes:
        sure: names by their form anywhere in a sentence (GSM8K, StarCraft, PPO).
        likely: words capitalised within a sentence.
    """

    sure: tuple[str, ...]
    likely: tuple[str, ...]


def unheld_names(statement: str, papers: str, *, capitals: bool = True) -> Names:
    """Find the names missing from the papers' text; `capitals` says whether only names are capitalised."""
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
    """Check whether a sentence, or a part of one that is capitalised too, begins after a text."""
    preceding = before.rstrip()
    if not preceding or preceding[-1] in _BEFORE_A_BEGINNING:
        return True
    return preceding[-1] in _DASHES and preceding != before and preceding[-2:-1].isspace()


def _is_name(part: str) -> bool:
    """Check whether a word has the form of a name: capitals inside it, or letters mixed with digits."""
    return part.isalnum() and not part.isdigit() and len(part) > 1 and any(letter.isupper() for letter in part[1:])


@dataclass(frozen=True, slots=True)
class _Held:
    """The words of papers, in the forms in which a name may refer to them."""

    words: frozenset[str]
    joined: frozenset[str]
    initials: str

    @classmethod
    @lru_cache(maxsize=64)  # an answer's statements are checked against the same few papers, twice each
    def of(cls, papers: str) -> _Held:
        words = bare_words(fold(papers)) + bare_words(fold(papers.replace(".", "")))
        joined = {"".join(words[start : start + span]) for span in (2, 3) for start in range(len(words))}
        return cls(frozenset(words), frozenset(words) | joined, "".join(word[0] for word in words))

    def name(self, name: str) -> bool:
        folded = "".join(bare_words(fold(name)))
        forms = {folded, folded.removesuffix("s"), f"{folded}s"}
        return bool(forms & self.joined) or any(form in self.initials for form in (folded, folded.removesuffix("s")))

    def part(self, part: str, *, whole: bool) -> bool:
        """Check whether part of a name occurs; two letters of a longer name would match the initials of anything."""
        return self.name(part) if whole or len(part) >= _TELLING else fold(part) in self.words

    def word(self, word: str) -> bool:
        folded = fold(word)
        return self.name(word) or any(self._spelled(folded))

    def _spelled(self, folded: str) -> Iterator[bool]:
        for word in self.words:
            yield word[:_LONG] == folded[:_LONG] and len(folded) >= _LONG
            yield len(folded) >= _LONG and fuzz.ratio(word, folded) >= _ALIKE
