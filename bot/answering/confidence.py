"""The first gate: how likely the hits hold the answer, from raw evidence alone, never from a fused score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.answering.question import Kind, content_terms, gist, read_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.papers import Hit

# Below this, the answer is a refusal: 0.98 of the answerable tuning questions are above it in cross-validation.
THRESHOLD: Final = 0.2
CONSIDERED: Final = 3  # best hits; the right paper is seldom further down


@dataclass(frozen=True, slots=True)
class Features:
    """Hold the evidence behind a question's best hits, each the best among them, each about 0..1.

    Attributes:
        cosine: of the nearest window.
        sentence_cosine: of the nearest sentence.
        words: share of the question's words that one paper has in words of its own.
        held: share of the question's content words that one paper holds.
    """

    cosine: float
    sentence_cosine: float
    words: float
    held: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """Hold the coefficients that turn features into a probability."""

    intercept: float
    cosine: float
    sentence_cosine: float
    words: float
    held: float

    def probability(self, features: Features) -> float:
        """Return the calibrated probability, 0..1."""
        logit = (
            self.intercept
            + self.cosine * features.cosine
            + self.sentence_cosine * features.sentence_cosine
            + self.words * features.words
            + self.held * features.held
        )
        return 1 / (1 + math.exp(-logit))


# Fitted by bench/fit_confidence.py, which prints both rows and the threshold. Cosines of different models have
# different scales, so each model has a row of its own; a model that was never fitted is judged by words alone.
# BM25, idf-weighted coverage and margins to the next hits were tried beside these, and separated no better.
FITTED: Final = {
    "all-MiniLM-L6-v2": Logistic(intercept=-5.37, cosine=2.19, sentence_cosine=4.10, words=3.32, held=1.30),
}
BY_WORDS: Final = Logistic(intercept=-2.54, cosine=0.0, sentence_cosine=0.0, words=0.0, held=4.66)


def confidence(question: str, hits: Sequence[Hit], model: str) -> float:
    """Return how likely (0..1) the hits hold the answer; 0 for small talk and where nothing was found.

    `model` names the embedding model that the cosines come from.
    """
    if not hits or read_question(question).kind is Kind.SMALL_TALK:
        return 0.0
    return FITTED.get(model, BY_WORDS).probability(read_features(question, hits))


def read_features(question: str, hits: Sequence[Hit]) -> Features:
    """Return the features of a question and its hits, of which there is at least one."""
    best = hits[:CONSIDERED]
    asked = frozenset(content_terms(gist(question)))
    return Features(
        cosine=max(hit.evidence.cosine for hit in best),
        sentence_cosine=max(hit.evidence.sentence_cosine for hit in best),
        words=max(hit.evidence.words for hit in best),
        held=max(_held(asked, hit) for hit in best),
    )


def _held(asked: frozenset[str], hit: Hit) -> float:
    held = asked.intersection(content_terms(f"{hit.paper.title} {hit.paper.abstract}"))
    return len(held) / len(asked) if asked else 0.0
