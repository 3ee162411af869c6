"""Choose the papers of a digest by numbers alone: match, taste, votes and age, and no two papers alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# How much other reasons to post a paper can add to the probability (0..1) that it is about a topic.
TASTE: Final = 0.5  # times the cosine to the taste, less that of the average candidate
VOTES: Final = 0.1  # for MANY_VOTES or more; fewer count by their logarithm
FRESHNESS: Final = 0.05
MANY_VOTES: Final = 100
DISLIKED: Final = 0.25  # share of the disliked that is subtracted from the liked
# Carbonell and Goldstein, "The use of MMR", SIGIR 1998: relevance against similarity to papers already chosen. Papers
# on one topic are similar anyway, but few pairs reach a cosine of ALIKE; below that, similarity costs nothing.
MMR: Final = 0.75
ALIKE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that could be posted.

    Attributes:
        ids: every id of the paper, its own first.
        vector: its unit vector.
        matches: the probability (0..1) that it is about each topic, in order of topics; 0 if it is not.
        upvotes: its votes, 0 or more.
        freshness: 1 for a paper added at the end of the period, 0 for one added at its beginning.
    """

    ids: tuple[str, ...]
    vector: NDArray[np.float32]
    matches: tuple[float, ...]
    upvotes: int
    freshness: float

    @property
    def match(self) -> float:
        """The probability that it is about its best topic."""
        return max(self.matches)

    @property
    def topic(self) -> int:
        """The index of the topic that it matches best."""
        return self.matches.index(self.match)


def choose(candidates: Sequence[Candidate], most: int, taste: NDArray[np.float32] | None = None) -> list[int]:
    """Choose at most `most` candidates that are about a topic; returns their indices, best first.

    `taste` is the unit vector of what the server likes.
    """
    fitting = [index for index, candidate in enumerate(candidates) if candidate.match > 0]
    if not fitting:
        return []
    values = worth([candidates[index] for index in fitting], taste)
    vectors = np.stack([candidates[index].vector for index in fitting])
    alike = np.zeros(len(fitting))
    open_ = np.ones(len(fitting), bool)
    chosen: list[int] = []
    taken: set[str] = set()
    while len(chosen) < most and open_.any():
        best = int(np.argmax(np.where(open_, MMR * values - (1 - MMR) * alike, -np.inf)))
        open_[best] = False
        candidate = candidates[fitting[best]]
        if taken.isdisjoint(candidate.ids):  # two sources may list the same paper as two
            taken.update(candidate.ids)
            chosen.append(fitting[best])
            alike = np.maximum(alike, (vectors @ vectors[best] - ALIKE) / (1 - ALIKE))
    return chosen


def worth(candidates: Sequence[Candidate], taste: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Score each candidate by itself: its match, plus what taste, votes and age add to it."""
    values = np.array([candidate.match for candidate in candidates])
    values += FRESHNESS * np.array([candidate.freshness for candidate in candidates])
    votes = np.log1p([candidate.upvotes for candidate in candidates]) / math.log1p(MANY_VOTES)
    values += VOTES * np.minimum(votes, 1.0)
    if taste is not None:
        liking = np.stack([candidate.vector for candidate in candidates]) @ taste
        values += TASTE * (liking - liking.mean())
    return values


def taste_of(liked: Mapping[str, float], vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """The unit vector of what is liked, minus a share of what is disliked; None if nothing is liked.

    `liked` maps paper ids to how much each is liked (below 0 if disliked), and `vectors` maps them to unit vectors. The
    mean of the liked papers finds more like them as well as a classifier trained on them does.
    """
    good = [weight * vectors[paper] for paper, weight in liked.items() if weight > 0 and paper in vectors]
    bad = [-weight * vectors[paper] for paper, weight in liked.items() if weight < 0 and paper in vectors]
    if not good:
        return None
    mean = _unit(np.sum(good, axis=0))
    return _unit(mean - DISLIKED * _unit(np.sum(bad, axis=0))) if bad else mean


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.linalg.norm(vector)
    return np.asarray(vector / norm if norm > 0 else vector, np.float32)
