"""The extractive writer's own gate: does the paper hold what was asked, or only the subject that it was asked about?

A near miss names the right paper and asks for a fact that its abstract does not state. What gives it away is the part
of the question that the paper lacks: how much of the question's meaning is in those words, and how far they are from
everything that the paper says. A paraphrase lacks words as well, but says the same in others.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.question import Kind, content_terms
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bot.answering.question import Question

# Below this, the writer yields nothing. The intercepts are such that 0.91 of the answerable tuning questions are above
# it in cross-validation; so it is a bar, not a calibrated probability.
SUFFICIENT: Final = 0.5

# Words that say how is asked, not what for: that a paper lacks them says nothing. Stemmed before use.
CARRIERS: Final = """
again ai always back behind best better come compare compared comparison deal differ difference end far get go good
happen happens help keep kind known lean like long many matter much need needed next number often once out past per
put real report reported result run say says something take tell tried try type under up versus vs way well whatever
work
"""
SHARED_START: Final = 5  # letters; "thalamus" and "thalamic" are about the same
SHARED_PART: Final = 0.6
NUMBER_ASKED: Final = re.compile(
    r"\bhow (?:many|much|often|long|large|big|fast|small|far|accurate)\b|\b(?:score|accuracy|rate|number of|percent)",
    re.IGNORECASE,
)
NUMBER_GIVEN: Final = re.compile(
    r"(?<![\w-])\d[\d,.]*|%|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?"
    r"|thousands?|millions?|half|twice)\b",
    re.IGNORECASE,
)
EXAMPLES: Final = re.compile(r"\([^()]*\)")
ALTERNATIVES: Final = re.compile(r"[^\W_]+(?:\s*/\s*[^\W_]+)+")
# "Who else works on that?" is asked in the words of the papers already spoken of, which another one need not hold.
MORE: Final = re.compile(r"\b(?:else|another|others?|similar|related)\b", re.IGNORECASE)
NUMBER_NEAR: Final = 3  # sentences, the nearest to the question, in which the number asked for should stand
# "GPT-4", "iOS", "COCO", "3.5", and a word with a capital that opens no question.
NAME: Final = re.compile(
    r"\b(?=\w*\d)[\w-]+(?:\.\d+)*|\b\w*[a-z][A-Z]\w*|\b[A-Z]{2,}\w*\b|(?<=[\w,;] )[A-Z]\w{2,}",
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Hold what a question says and the papers chosen for it do not.

    Attributes:
        strange: cosine of the missing words to the question, times their distance to the nearest sentence, 0..2.
        missing: the number of missing words, with ln(1 + n).
        unnamed: 1 where one of them is a name or holds a digit.
        unnumbered: 1 where a number is asked for and none stands in the nearest sentences.
        nearest: cosine of the nearest sentence to the question.
        held: the best sentence's share of the question's words beyond the title, 0..1.
    """

    strange: float
    missing: float
    unnamed: float
    unnumbered: float
    nearest: float
    held: float


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """Hold the coefficients that turn a gap into a probability."""

    intercept: float
    strange: float
    missing: float
    unnamed: float
    unnumbered: float
    nearest: float
    held: float

    def probability(self, gap: Gap) -> float:
        """Return how likely (0..1) the papers hold the answer."""
        logit = (
            self.intercept
            + self.strange * gap.strange
            + self.missing * gap.missing
            + self.unnamed * gap.unnamed
            + self.unnumbered * gap.unnumbered
            + self.nearest * gap.nearest
            + self.held * gap.held
        )
        return 1 / (1 + math.exp(-logit))


# Fitted by bench/fit_sufficiency.py, which prints both rows; a model that was never fitted is judged by words alone.
FITTED: Final = {"all-MiniLM-L6-v2": Sufficiency(-0.05, -9.45, 1.91, -1.40, -1.12, 2.45, 2.05)}
BY_WORDS: Final = Sufficiency(0.07, 0.00, -0.05, -1.80, -0.68, 0.00, 4.02)


def sufficiency(gap: Gap, model: str) -> float:
    """Return how likely (0..1) the papers hold the answer; `model` names the embedding model of the cosines."""
    return FITTED.get(model, BY_WORDS).probability(gap)


def missing_words(asked: Question, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a question that the texts do not hold in any form, as they stand there.

    Examples in brackets, after what a list is asked of, need not be held, and of "joystick / teleop" one is enough.
    """
    question = EXAMPLES.sub(" ", asked.text) if asked.kind is Kind.LIST else asked.text
    held = frozenset(content_terms(" ".join(texts)))
    joined = re.sub(r"[\W_]+", "", fold(" ".join(texts)))
    carriers = frozenset(content_terms(CARRIERS))

    def lacks(word: str) -> bool:
        return any(term not in carriers and not _is_held(term, held, joined) for term in content_terms(word))

    either = (re.findall(r"[^\W_]+", one) for one in ALTERNATIVES.findall(question))
    spared = frozenset(word for words in either if not all(map(lacks, words)) for word in words)
    return tuple(word for word in re.findall(r"[^\W_]+", question) if word not in spared and lacks(word))


def read_gap(asked: Question, title: str, texts: Sequence[str], vectors: Mapping[str, NDArray[np.float32]]) -> Gap:
    """Return the gap between a question and what the papers say.

    `title` and `texts` are the titles and sentences of the papers that should hold the answer; `vectors` has the unit
    vectors of the question, of each of `texts`, and of the missing words with a blank between them.
    """
    missing = missing_words(asked, [title, *texts])
    said = np.stack([vectors[text] for text in texts])
    near = said @ vectors[asked.text]
    strange = 0.0
    if missing:
        words = vectors[" ".join(missing)]
        strange = max(0.0, float(words @ vectors[asked.text])) * (1 - float((said @ words).max()))
    nearest = [texts[at] for at in np.argsort(-near, kind="stable")[:NUMBER_NEAR]]
    lacking = frozenset(missing)
    named = frozenset(content_terms(title))
    beyond = frozenset(asked.terms) - named
    return Gap(
        strange=strange,
        missing=math.log1p(len(missing)),
        unnamed=float(any(not lacking.isdisjoint(re.findall(r"[^\W_]+", name)) for name in NAME.findall(asked.text))),
        unnumbered=float(NUMBER_ASKED.search(asked.text) is not None and not any(map(NUMBER_GIVEN.search, nearest))),
        nearest=float(near.max()),
        held=max(len(beyond.intersection(content_terms(text))) for text in texts) / len(beyond) if beyond else 1.0,
    )


def _is_held(term: str, held: frozenset[str], joined: str) -> bool:
    """Say whether a paper holds a stemmed word: itself, in a compound, in another form, or but for a typing slip."""
    return (
        term in held
        or (len(term) >= SHARED_START - 1 and term in joined)
        or any(_is_form(term, other) or _is_slip(term, other) for other in held)
    )


def _is_form(one: str, other: str) -> bool:
    if one.rstrip("s") == other.rstrip("s"):  # the stemmer leaves "llms"
        return True
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return start >= SHARED_START and start >= SHARED_PART * max(len(one), len(other))


def _is_slip(one: str, other: str) -> bool:
    """Say whether two words differ by one letter too many, too few, wrong or swapped with its neighbour."""
    if len(one) < SHARED_START or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, other_rest = one[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[1::-1] == other_rest[:2] and rest[2:] == other_rest[2:])
    )
