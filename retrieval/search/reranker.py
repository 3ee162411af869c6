"""The reranker: scores the best candidates of a search exactly, and orders them by their sentences and words too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embedding.word_vectors import best_matches
from retrieval.search.ranking import SHORTLIST, fuse, match_words, rarity_of
from retrieval.text.text import fold
from retrieval.text.writing_systems import latin_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue.records import StoredChunk
    from retrieval.embedding.word_vectors import Words
    from retrieval.index.lexical import LexicalIndex, LexicalQuery
    from retrieval.search.ranking import Candidate


@dataclass(frozen=True, slots=True)
class Query:
    """A query in the forms that the steps of a search need; `words` is None if the model has no word vectors."""

    vector: NDArray[np.float32]
    words: Words | None
    lexical: LexicalQuery

    @property
    def read(self) -> float:
        """The share (0..1) of the query in Latin letters, which is all that an English model can read."""
        return latin_share(fold(self.lexical.text))


class Reranker:
    """Scores candidates exactly, for one embedding model."""

    def __init__(self, lexical: LexicalIndex, model: str) -> None:
        self._lexical = lexical
        self._model = model

    def measure(
        self, query: Query, ranked: Sequence[Candidate], chunks: Mapping[str, Sequence[StoredChunk]]
    ) -> list[Candidate]:
        """Compute the exact cosines of candidates, and the sentence and word scores of the first SHORTLIST.

        Candidates that were removed meanwhile, or that only another model has embedded, are left out.
        """
        cosines = best_cosines(
            {paper_id: [chunk.vector for chunk in parts] for paper_id, parts in chunks.items()}, query.vector
        )
        measured = [
            candidate._replace(window=cosine, sentence=cosine)
            for candidate in ranked
            if (cosine := cosines.get(candidate.paper_id)) is not None
        ]
        if query.words is None:
            return measured
        shortlist = [(candidate, chunks[candidate.paper_id]) for candidate in measured[:SHORTLIST]]
        alike = best_matches(query.words.vectors, [packed_words(parts) for _, parts in shortlist])
        matches = match_words(alike, rarity_of(query.words.words, self._lexical))
        sentences = _nearest_sentences(shortlist, query.vector)
        compared = [
            candidate._replace(words=match, sentence=sentences.get(candidate.paper_id, candidate.window))
            for (candidate, _), match in zip(shortlist, matches.tolist(), strict=True)
        ]
        return [*compared, *measured[SHORTLIST:]]

    def order(self, query: Query, measured: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
        """Rank exactly scored candidates, best first; those without word scores come after the others."""
        if query.words is None:
            return fuse(measured, self._model, query.read)
        best = fuse(measured[:SHORTLIST], self._model, query.read)
        rest = fuse(measured[SHORTLIST:], self._model, query.read)
        above = best[-1][0] - rest[0][0] - 1.0 if rest else 0.0
        return [*best, *((score + above, candidate) for score, candidate in rest)]


def best_cosines(
    windows: Mapping[str, Sequence[NDArray[np.float32]] | NDArray[np.float32]], vector: NDArray[np.float32]
) -> dict[str, float]:
    """The best window cosine of each paper, by id; papers that only another model has embedded are left out."""
    # The catalogue holds the vectors of an earlier model until a rebuild is complete.
    windows = {paper_id: rows for paper_id, rows in windows.items() if len(rows[0]) == len(vector)}
    if not windows:
        return {}
    firsts = np.cumsum([0, *(len(rows) for rows in windows.values())])[:-1]
    cosines = np.maximum.reduceat(np.stack([row for rows in windows.values() for row in rows]) @ vector, firsts)
    return dict(zip(windows, cosines.tolist(), strict=True))


def packed_words(chunks: Iterable[StoredChunk]) -> bytes:
    """The packed word vectors of a paper."""
    return b"".join(chunk.contents.words for chunk in chunks)


def _nearest_sentences(
    shortlist: Sequence[tuple[Candidate, Sequence[StoredChunk]]], vector: NDArray[np.float32]
) -> dict[str, float]:
    """The best sentence cosine of each paper, by id; papers without sentences are left out."""
    rows_with_sentences = [
        (candidate.paper_id, chunk.contents)
        for candidate, parts in shortlist
        for chunk in parts
        if len(chunk.contents.spans)
    ]
    if not rows_with_sentences:
        return {}
    levels = np.concatenate([contents.levels for _, contents in rows_with_sentences], dtype=np.float32)
    cosines = (levels @ vector) * np.concatenate([contents.scales for _, contents in rows_with_sentences])
    firsts = np.cumsum([0, *(len(contents.spans) for _, contents in rows_with_sentences)])[:-1]
    best: dict[str, float] = {}
    for (paper_id, _), cosine in zip(rows_with_sentences, np.maximum.reduceat(cosines, firsts).tolist(), strict=True):
        best[paper_id] = max(cosine, best.get(paper_id, cosine))
    return best
