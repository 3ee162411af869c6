"""Word agreement: how well the words of a query match those of a paper's title and of each sentence.

Ranking compares a query with a whole paper; answering needs to know which sentence matches, and on which words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.search.ranking import alike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How well a paper matches each word of a query, from 0 (not at all) to 1 (the same word).

    Attributes:
        weights: positive weights of the query's words; shape (words,).
        title: agreement of the title; shape (words,).
        sentences: agreement of each sentence, in the order of the abstract; shape (sentences, words).
        whole: agreement of title and abstract together; shape (words,).
    """

    weights: NDArray[np.float64]
    title: NDArray[np.float64]
    sentences: NDArray[np.float64]
    whole: NDArray[np.float64]

    @property
    def beyond_title(self) -> NDArray[np.float64]:
        """The weights of the query's words, reduced by how well the title matches them; shape (words,)."""
        return self.weights * (1 - self.title)

    def share(self, agreement: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The weighted share (0..1) of the query's words that each row matches; 0 if all weights are 0.

        `weights` replace those of the query.
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
    """Compare words by their contextual vectors.

    Args:
        vectors: unit vectors of the query's words.
        weights: their weights.
        rows: unit vectors of the words of the paper's windows.
        names: the word of each row.
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
