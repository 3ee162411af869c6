"""Choose what goes into a digest, by numbers alone: topics, taste, votes and age, and no two papers alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# How much, beside the chance (0..1) of being about a topic, the other reasons to post a paper can add.
TASTE: Final = 0.5  # times the cosine to what is liked, beyond that of the average paper
VOTES: Final = 0.1  # for MANY_VOTES, less by their logarithm
FRESHNESS: Final = 0.05
MANY_VOTES: Final = 100
DISLIKED: Final = 0.25  # share of the disliked that is taken from the liked
# Carbonell and Goldstein, "The use of MMR", SIGIR 1998: relevance against likeness to what was chosen before. Papers on
# one topic are alike anyhow, though hardly a pair by a cosine of ALIKE; what is less alike than that repeats nothing.
MMR: Final = 0.75
ALIKE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold what is known of a paper that could be posted.

    Attributes:
        ids: every id it is known under, its own first.
        vector: its unit vector.
        matches: how likely it is about each topic, 0..1 each, in the topics' order; 0 where it is not.
        upvotes: its votes, 0 or more.
        freshness: 1 for a paper of the last moment, 0 for one of the beginning of the time looked at.
    """

    ids: tuple[str, ...]
    vector: NDArray[np.float32]
    matches: tuple[float, ...]
    upvotes: int
    freshness: float

    @property
    def match(self) -> float:
        """Return how likely it is about one of the topics."""
        return max(self.matches)

    @property
    def topic(self) -> int:
        """Return which topic it matches best, from 0."""
        return self.matches.index(self.match)


def choose(candidates: Sequence[Candidate], most: int, taste: NDArray[np.float32] | None = None) -> list[int]:
    """Return which candidates to post, by their place from 0, best first: at most `most`, each about a topic.

    `taste` is the unit vector of what the place likes.
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
        if taken.isdisjoint(candidate.ids):  # two sources may give one paper as two
            taken.update(candidate.ids)
            chosen.append(fitting[best])
            alike = np.maximum(alike, (vectors @ vectors[best] - ALIKE) / (1 - ALIKE))
    return chosen


def worth(candidates: Sequence[Candidate], taste: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Return what each candidate is worth by itself: its match, and what taste, votes and age add to it."""
    values = np.array([candidate.match for candidate in candidates])
    values += FRESHNESS * np.array([candidate.freshness for candidate in candidates])
    votes = np.log1p([candidate.upvotes for candidate in candidates]) / math.log1p(MANY_VOTES)
    values += VOTES * np.minimum(votes, 1.0)
    if taste is not None:
        liking = np.stack([candidate.vector for candidate in candidates]) @ taste
        values += TASTE * (liking - liking.mean())
    return values


def taste_of(liked: Mapping[str, float], vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """Return the unit vector of what is liked, less a share of what is not; None where nothing is liked.

    Both by paper: how much it is liked, below 0 where it is disliked, and its unit vector. The mean of liked papers
    finds more of them as well as a classifier trained on them does.
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
