"""The hit builder: a ranked paper with its passages, nearest first, and the evidence behind its rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.papers import Evidence, Hit, Passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.catalogue.records import StoredChunk
    from retrieval.papers import Paper
    from retrieval.search.ranking import Candidate


def make_hit(
    paper: Paper,
    score: float,
    candidate: Candidate,
    chunks: Sequence[StoredChunk],
    vector: NDArray[np.float32],
    ideal: float,
    coverage: float,
) -> Hit:
    """Build the hit of a paper.

    Args:
        paper: the paper.
        score: its fused score.
        candidate: its raw scores.
        chunks: its windows.
        vector: the query's unit vector.
        ideal: the BM25 score of a paper that repeats every word of the query endlessly.
        coverage: the share (0..1) of the query's words that the paper has.
    """
    windows = _nearest_first(
        Passage(
            chunk.start, chunk.end, paper.abstract[chunk.start : chunk.end], float(chunk.vector @ vector), chunk.vector
        )
        for chunk in chunks
    )
    sentences = _nearest_first(passage for chunk in chunks for passage in _sentences(paper, chunk, vector))
    best = sentences[0].cosine if sentences else 0.0
    return Hit(paper, score, windows, sentences, evidence_of(candidate._replace(sentence=best), ideal, coverage))


def evidence_of(candidate: Candidate, ideal: float, coverage: float) -> Evidence:
    """Build the evidence of a candidate; `ideal` and `coverage` are as in `make_hit`."""
    return Evidence(
        cosine=candidate.window,
        sentence_cosine=candidate.sentence,
        bm25=candidate.bm25,
        bm25_share=candidate.bm25 / ideal if ideal else 0.0,
        coverage=coverage,
        words=candidate.words,
    )


def _sentences(paper: Paper, chunk: StoredChunk, vector: NDArray[np.float32]) -> list[Passage]:
    """The sentences of a window, as passages."""
    rows = chunk.contents.sentences
    return [
        Passage(start, end, paper.abstract[start:end], cosine, row)
        for (start, end), cosine, row in zip(
            (chunk.contents.spans + chunk.start).tolist(), (rows @ vector).tolist(), rows, strict=True
        )
    ]


def _nearest_first(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    return tuple(sorted(passages, key=lambda passage: -passage.cosine))
