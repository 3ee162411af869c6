"""Fusion: one order out of dense and lexical scores. Pure functions over the candidates of one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009.
RRF_K = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold a paper's raw scores for one query: its best window's and best sentence's cosine, and its BM25 score.

    `named` says that the query is the paper's title, and so leaves no doubt about what is looked for.
    """

    paper_id: str
    window: float
    sentence: float
    bm25: float
    named: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """Hold the weights of a z-score mix; they belong to the embedding model that they were chosen with."""

    window: float
    sentence: float
    lexical: float


MIXES: Mapping[str, Mix] = {"all-MiniLM-L6-v2": Mix(window=0.2, sentence=0.4, lexical=0.4)}


def fuse(candidates: Sequence[Candidate], model: str) -> list[tuple[float, Candidate]]:
    """Return the candidates with their fused scores, best first; scores compare within one query only.

    A model whose weights were tuned gets its z-score mix, any other reciprocal rank fusion.
    """
    if not candidates:
        return []
    window = np.array([candidate.window for candidate in candidates])
    sentence = np.array([candidate.sentence for candidate in candidates])
    bm25 = np.array([candidate.bm25 for candidate in candidates])
    mix = MIXES.get(model)
    if mix is None:
        scores = 1.0 / (RRF_K + _ranks(np.maximum(window, sentence))) + 1.0 / (RRF_K + _ranks(bm25))
    else:
        scores = mix.window * _z(window) + mix.sentence * _z(sentence) + mix.lexical * _z(bm25)
    scores += (np.ptp(scores) + 1.0) * np.array([candidate.named for candidate in candidates])
    order = sorted(range(len(candidates)), key=lambda at: (-scores[at], candidates[at].paper_id))
    return [(float(scores[at]), candidates[at]) for at in order]


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1; equal values share the better rank, so that papers without a score tie."""
    return np.array([1.0 + np.sum(values > value) for value in values])


def _z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
