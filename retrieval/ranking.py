"""Ranking: one order out of dense, lexical and word-by-word scores. Pure functions over the candidates of one query.

All candidates are ordered by their windows' vectors and by BM25; the best of them anew, by their sentences too and by
comparing each word of the query with each word of the paper (late interaction), which is too much to do for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrieval.calibration import standardise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009.
RRF_K = 60
SHORTLIST = 40  # papers compared word by word; 100 rank alike, 30 find one more paper in a hundred after the fifth


# Two words mean as good as the same from this cosine on, give or take; how much a rare word counts beside a common one.
ALIKE, ALIKE_WIDTH = 0.5, 0.1
RARITY_POWER = 0.8


class Candidate(NamedTuple):
    """Hold a paper's raw scores for one query; a search makes hundreds, and a tuple is made the quickest.

    Attributes:
        paper_id: whose scores they are.
        window: the best cosine of its windows.
        bm25: its BM25 score.
        sentence: the best cosine of its sentences, that of its windows where they were not compared.
        words: how well its words match the query's, 0 where they were not compared.
        named: whether the query gives its title, an id or its address, and so leaves no doubt about what is looked for.
        authored: whether the query gives the full name of one of its authors.
    """

    paper_id: str
    window: float
    bm25: float
    sentence: float
    words: float = 0.0
    named: bool = False
    authored: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """Hold the weights of a z-score mix; they belong to the embedding model that they were chosen with.

    Chosen by bench/ranking.py; docs/quality.md has the figures.
    """

    lexical: float
    window: float
    sentence: float
    words: float


MIXES: Mapping[str, Mix] = {"all-MiniLM-L6-v2": Mix(lexical=0.2, window=0.15, sentence=0.1, words=0.55)}


def fuse(candidates: Sequence[Candidate], model: str, read: float = 1.0) -> list[tuple[float, Candidate]]:
    """Return the candidates with their fused scores, best first; scores compare within one query only.

    A model whose weights were tuned gets its z-score mix, any other reciprocal rank fusion, which leaves words out.
    Those models are English: `read` is how much (0..1) of the query such a one can read, and so how much its vectors
    count; of a query in Chinese letters they know nothing.
    """
    if not candidates:
        return []
    bm25 = np.array([candidate.bm25 for candidate in candidates])
    mix = MIXES.get(model)
    if mix is None:
        windows = np.array([candidate.window for candidate in candidates])
        scores = 1.0 / (RRF_K + _ranks(windows)) + 1.0 / (RRF_K + _ranks(bm25))
    else:
        scores = (1.0 - read * (1.0 - mix.lexical)) * standardise(bm25)
        for weight, signal in ((mix.window, "window"), (mix.sentence, "sentence"), (mix.words, "words")):
            scores += read * weight * standardise(np.array([getattr(candidate, signal) for candidate in candidates]))
    steps = np.array([2 * candidate.named + candidate.authored for candidate in candidates])
    scores += (np.ptp(scores) + 1.0) * steps
    return sorted(zip(scores.tolist(), candidates, strict=True), key=lambda pair: (-pair[0], pair[1].paper_id))


def match_words(best: NDArray[np.float32], rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share (0..1) of a query's words that each paper has in words of its own, shape (papers,).

    MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020), over words instead of word pieces. How alike two words are
    tells little where it is far from the border between the same meaning and another.

    Args:
        best: the cosine of each paper's word most like each of the query, shape (papers, words of the query).
        rarity: of the query's words, positive.
    """
    weights = weigh(rarity)
    return alike(best) @ (weights / weights.sum()) if len(weights) else np.zeros(len(best))


def alike(cosines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Turn cosines of words into how far they mean the same, 0..1."""
    return np.asarray(1 / (1 + np.exp((ALIKE - cosines) / ALIKE_WIDTH)), np.float64)


def weigh(rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say how much words count, by their rarity."""
    return np.asarray(rarity**RARITY_POWER, np.float64)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1; equal values share the better rank, so that papers without a score tie."""
    return np.array([1.0 + np.sum(values > value) for value in values])
