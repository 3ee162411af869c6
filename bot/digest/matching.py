"""Match papers with topics: how likely each is about each, from what both mean and from the words they share."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.reading.terms import content_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.papers import Paper


@dataclass(frozen=True, slots=True)
class Logistic:
    """Hold the coefficients that turn the evidence for a topic into a probability.

    Attributes:
        intercept: what stands where there is no evidence.
        cosine: for the cosine of the topic's vector to the paper's.
        above: for how many standard deviations above the average of the papers at hand that is, less among few.
        held: for the share of the topic's words that the paper holds, rare ones counting more.
    """

    intercept: float
    cosine: float
    above: float
    held: float


# Fitted by bench/digest_relevance.py, which prints both rows. A model that was never fitted has cosines of another
# scale, so its papers are compared with each other and by their words; that row is fitted on the keyword topics alone,
# which makes it stricter.
FITTED: Final[Mapping[str, Logistic]] = {
    "all-MiniLM-L6-v2": Logistic(intercept=-6.8, cosine=8.7, above=0.0, held=4.4),
}
FEW: Final = 20  # papers among which standing out means half of what it does among many
UNFITTED: Final = Logistic(intercept=-6.9, cosine=0.0, above=1.2, held=5.8)


class Words:
    """Hold the words of the papers at hand, as `terms_of` gives them, and how rare each is among them."""

    def __init__(self, held: Sequence[frozenset[str]]) -> None:
        self._held = held
        self._frequency = Counter(term for terms in held for term in terms)

    def share(self, topic: str) -> NDArray[np.float64]:
        """Return the share (0..1) of a topic's words that each paper holds, weighted by how rare they are."""
        count = len(self._held)
        weights = {
            term: math.log(1 + (count - self._frequency[term] + 0.5) / (self._frequency[term] + 0.5))
            for term in dict.fromkeys(content_terms(topic))
        }
        total = sum(weights.values())
        if not total:
            return np.zeros(count)
        return np.array([sum(weights[term] for term in weights.keys() & terms) / total for terms in self._held])


def terms_of(paper: Paper) -> frozenset[str]:
    """Return the stemmed words that say what a paper is about."""
    return frozenset(content_terms(f"{paper.title}\n{paper.abstract}"))


def evidence(
    topics: Sequence[str], topic_vectors: NDArray[np.float32], vectors: NDArray[np.float32], words: Words
) -> NDArray[np.float64]:
    """Return cosine, its standing among the papers and the share of words: shape (topics, papers, 3).

    Vectors are unit vectors, one row each; `words` are those of the same papers.
    """
    cosines = (topic_vectors @ vectors.T).astype(np.float64)
    spread = cosines.std(axis=1, keepdims=True)
    above = (cosines - cosines.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    above *= cosines.shape[1] / (cosines.shape[1] + FEW)
    held = np.stack([words.share(topic) for topic in topics])
    return np.stack([cosines, above, held], axis=2)


def match(found: NDArray[np.float64], model: str) -> NDArray[np.float64]:
    """Return how likely (0..1) each paper is about each topic: shape (topics, papers), from their evidence."""
    row = FITTED.get(model, UNFITTED)
    logit = row.intercept + found @ np.array([row.cosine, row.above, row.held])
    return np.asarray(1 / (1 + np.exp(-logit)), np.float64)
