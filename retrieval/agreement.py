"""Word agreement: how far the words of a paper's title and of each of its sentences mean what a query's words mean.

Ranking compares a query with a paper as a whole; whoever answers it wants to know which sentence agrees, and on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.ranking import alike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far a paper agrees with each word of a query, from 0 (not at all) to 1 (the same word).

    Attributes:
        weights: how much each of the query's words counts, positive; shape (words,).
        title: the agreement of the title; shape (words,).
        sentences: that of each sentence, in the order of the abstract; shape (sentences, words).
        whole: that of title and abstract together; shape (words,).
    """

    weights: NDArray[np.float64]
    title: NDArray[np.float64]
    sentences: NDArray[np.float64]
    whole: NDArray[np.float64]

    @property
    def beyond_title(self) -> NDArray[np.float64]:
        """Weigh the query's words by what the title leaves open of them; shape (words,)."""
        return self.weights * (1 - self.title)

    def share(self, agreement: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Give the weighted share (0..1) of the query's words that each row agrees with; 0 where none counts.

        `weights` say how much each word counts, if not as much as in the query.
        """
        counted = self.weights if weights is None else weights
        total = counted.sum()
        return np.asarray(agreement @ counted / total if total > 0 else np.zeros(agreement.shape[:-1]), np.float64)


def agreement_of_vectors(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    rows: NDArray[np.float32],
    names: Sequence[str],
    title: frozenset[str],
    sentences: Sequence[frozenset[str]],
) -> Agreement:
    """Compare words by their vectors in context.

    Args:
        vectors: unit vectors of the query's words.
        weights: how much each of them counts.
        rows: unit vectors of the words of the paper's windows.
        names: the words that the rows belong to.
        title: the words of the title.
        sentences: the words of each sentence.
    """
    cosines = vectors @ rows.T

    def best(held: frozenset[str]) -> NDArray[np.float64]:
        columns = [column for column, name in enumerate(names) if name in held]
        return alike(cosines[:, columns].max(axis=1)) if columns else np.zeros(len(vectors))

    whole = alike(cosines.max(axis=1)) if len(rows) else np.zeros(len(vectors))
    return Agreement(weights, best(title), _rows([best(sentence) for sentence in sentences], len(vectors)), whole)


def agreement_of_terms(
    terms: Sequence[str],
    weights: NDArray[np.float64],
    title: str,
    sentences: Sequence[str],
    stems: Callable[[str], list[str]],
) -> Agreement:
    """Compare words by their stems, for models that give words no vectors."""

    def held(text: str) -> NDArray[np.float64]:
        found = frozenset(stems(text))
        return np.array([float(term in found) for term in terms])

    heading, body = held(title), _rows([held(text) for text in sentences], len(terms))
    whole = np.maximum(heading, body.max(axis=0)) if len(body) else heading
    return Agreement(weights, heading, body, whole)


def _rows(rows: Sequence[NDArray[np.float64]], width: int) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(len(rows), width)
