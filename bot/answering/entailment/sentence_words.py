"""The words of a sentence with their position, their clause and their negation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bot.answering.entailment.opposites import meanings
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

STEM: Final = 5  # leading letters that words are compared by
_SCOPE: Final = 6  # words after a negation, in its clause, that it applies to
# Negating words, a closed class, in the languages that answers are written in.
_NEGATIONS: Final = frozenset(
    """
    not no non never none neither nor without cannot nothing nobody nowhere hardly barely scarcely rarely seldom
    fail fails failed failing lack lacks lacked lacking missing absent unable n't nt
    nicht nichts kein keine keinen keiner keines keinem nie niemals ohne weder kaum
    pas rien jamais sans aucun aucune ni guere
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_PRONOUNS: Final = frozenset(["none", "nothing", "nobody", "missing", "absent", "nichts", "rien"])
_FOLLOWS_NOT: Final = frozenset(["only", "just", "merely", "nur", "seulement"])
_CLAUSE_WORDS: Final = frozenset(
    """
    but although though while whereas because since unless despite however yet which who
    aber obwohl wahrend weil mais tandis
    """.split()  # noqa: SIM905 - as above
)
_FUNCTION_WORDS: Final = frozenset(
    """
    a an the this that these those it its they their them there here we our us i you your he she his her in on at of for
    to from by with as into than then and or nor also both either is are was were be been being am do does did done has
    have had having will would shall should can could may might must about over under between through during against if
    when where which who whom whose what how why so such while whereas but because very only own too via per up down out
    off again further once any each other some
    """.split()  # noqa: SIM905 - as above
)
# Numbers with a percent sign, words with a negating "'t", and the punctuation that ends a clause.
_TOKEN: Final = re.compile(r"\d+(?:[.,]\d+)*%?|[^\W\d_]+(?:'t\b)?|[.,;:()!?]|--")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence.

    Attributes:
        text: its folded form.
        stem: its first letters, which are enough for comparisons.
        position: its index among the words.
        clause: the index of its clause.
        negation: the position of the word that negates it, or None.
        content: whether it carries meaning of its own.
        has_opposite: whether there are words of the opposite meaning.
    """

    text: str
    stem: str
    position: int
    clause: int
    negation: int | None
    content: bool
    has_opposite: bool

    @property
    def negates(self) -> bool:
        """Whether it negates the words after it."""
        return self.negation == self.position


@lru_cache(maxsize=256)
def words(text: str) -> tuple[Word, ...]:
    """Split a text into words."""
    found: list[Word] = []
    clause, cue = 0, None
    tokens = [match[0] for match in _TOKEN.finditer(fold(text))]
    for index, token in enumerate(tokens):
        if not token[0].isalnum() or token in _CLAUSE_WORDS:
            clause, cue = clause + 1, None
            if not token[0].isalnum():
                continue
        position = len(found)
        negating = token in _NEGATIONS or token.endswith("'t")
        if negating and tokens[index + 1 : index + 2] and tokens[index + 1] in _FOLLOWS_NOT:
            negating = False
        if negating:
            cue = position
        elif cue is not None and position - cue > _SCOPE:
            cue = None
        content = not negating and token not in _FUNCTION_WORDS and (len(token) > 1 or token.isdigit())
        found.append(Word(token, token[:STEM], position, clause, cue, content, meanings(token) is not None))
    return tuple(_with_pronouns(found))


def _with_pronouns(found: Sequence[Word]) -> list[Word]:
    """Apply a negation that has nothing after it to the words before it: "it brings nothing", "it often is not"."""
    done = list(found)
    reaching = {word.negation for word in found if word.content}
    for cue in found:
        if cue.negates and (cue.text in _PRONOUNS or cue.position not in reaching):
            for position in range(max(0, cue.position - _SCOPE), cue.position):
                if done[position].clause == cue.clause and done[position].negation is None:
                    done[position] = replace(done[position], negation=cue.position)
    return done
