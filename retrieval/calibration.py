"""Shared arithmetic of ranking, answering and digests: standard scores, idf, and fitted logistic models."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

# The row of a data file for embedding models without a fit of their own; it must not use cosines.
ANY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: named features in, a probability out."""

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability (0..1) for one set of features; every name with a weight must be present."""
        logit = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    def probabilities(self, features: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Probabilities for arrays of features, all of the same shape."""
        logit = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -60.0, 60.0))), np.float64)

    @classmethod
    def read(cls, file: Traversable, model: str) -> Logistic:
        """Read the row of an embedding model from a JSON data file, or the row for any other model."""
        rows = json.loads(file.read_text(encoding="utf-8"))["models"]
        return cls.of(rows.get(model) or rows[ANY_MODEL])

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Logistic:
        """Build from a row of a data file: an intercept, and weights by name."""
        return cls(row["intercept"], row["weights"])


def idf(holding: float, total: float) -> float:
    """BM25's inverse document frequency of a term that is in `holding` of `total` texts; never negative."""
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn scores into probabilities that add up to 1; empty if there are none."""
    if not len(scores):
        return scores
    odds = np.exp(scores - scores.max())
    return np.asarray(odds / odds.sum(), np.float64)


def standardise(values: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Standard scores (mean 0, deviation 1); all 0 if the values are equal."""
    array = np.asarray(values, np.float64)
    spread = array.std() if array.size else 0.0
    return (array - array.mean()) / spread if spread > 0 else np.zeros_like(array)
