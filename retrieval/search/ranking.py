"""Ranking: fuses dense, lexical and word-by-word scores. Pure functions over the candidates of one query.

All candidates are ranked by window vectors and BM25. The best are reranked by sentences too, and by comparing each word
of the query with each word of the paper (late interaction), which would be too slow for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrieval.calibration import standardise
from retrieval.text.importance import importance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.index.lexical import LexicalIndex

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009.
RRF_K = 60
# Papers compared word by word; 100 rank the same, with 30 one more paper in a hundred ends up below rank 5.
SHORTLIST = 40

# The cosine above which two words mean about the same, and the width of the transition; the weight of rare words.
ALIKE, ALIKE_WIDTH = 0.5, 0.1
RARITY_POWER = 0.8


class Candidate(NamedTuple):
    """A paper's raw scores for one query; a tuple, because a search creates hundreds and tuples are fastest.

    Attributes:
        paper_id: the paper's id.
        window: the best cosine of its windows.
        bm25: its BM25 score.
        sentence: the best cosine of its sentences; that of its windows if sentences were not compared.
        words: how well its words match the query's; 0 if they were not compared.
        named: whether the query contains its title, an id or its address, and so asks for this paper.
        authored: whether the query contains the full name of one of its authors.
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
    """The weights of a z-score mix, tuned for one embedding model.

    Tuned with bench/ranking.py; docs/quality.md has the figures.
    """

    lexical: float
    window: float
    sentence: float
    words: float


MIXES: Mapping[str, Mix] = {"all-MiniLM-L6-v2": Mix(lexical=0.2, window=0.15, sentence=0.1, words=0.55)}


def fuse(candidates: Sequence[Candidate], model: str, read: float = 1.0) -> list[tuple[float, Candidate]]:
    """Candidates with their fused scores, best first; scores are only comparable within a query.

    Models with tuned weights use their z-score mix, all others reciprocal rank fusion, which ignores word scores. The
    tuned models are English: `read` is the share (0..1) of the query in Latin letters, and scales the weight of their
    vectors, which mean nothing for, say, a Chinese query.
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
    """The weighted share (0..1) of a query's words that each paper matches; shape (papers,).

    MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020), over words instead of word pieces, with cosines squashed
    around the threshold between same and different meaning.

    Args:
        best: the best cosine of any word of each paper to each word of the query; shape (papers, query words).
        rarity: the idf of the query's words, positive; shape (query words,).
    """
    weights = weigh(rarity)
    return alike(best) @ (weights / weights.sum()) if len(weights) else np.zeros(len(best))


def alike(cosines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Map word cosines to how well the words agree in meaning, 0..1."""
    return np.asarray(1 / (1 + np.exp((ALIKE - cosines) / ALIKE_WIDTH)), np.float64)


def weigh(rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights of words, by their rarity."""
    return np.asarray(rarity**RARITY_POWER, np.float64)


def rarity_of(words: Iterable[str], lexical: LexicalIndex) -> NDArray[np.float64]:
    """The rarity of a query's words among the papers; little for those that only carry the question."""
    return np.array([importance(word) * lexical.weight(word) for word in words])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the better rank, so that papers without a score tie."""
    return np.array([1.0 + np.sum(values > value) for value in values])
