"""The search: both indexes propose candidates, an estimated score ranks them, exact scores rerank the best.

Each computing step runs in a thread; data is read from the paper cache between the steps.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache

from retrieval.agreement import agreement_of_terms, agreement_of_vectors
from retrieval.authors import works_in_full
from retrieval.chunker import window_text
from retrieval.embedding import WordEmbedder
from retrieval.embedding.word_vectors import best_matches, unpack
from retrieval.errors import ServerAwayError, ServerRefusedError
from retrieval.papers import Evidence, Hit, Passage
from retrieval.query import QueryVectors, importance
from retrieval.ranking import SHORTLIST, Candidate, fuse, match_words, weigh
from retrieval.references import find_references
from retrieval.resolver import resolve
from retrieval.text import clean, fold
from retrieval.vectors import VectorsError, VectorsGoneError
from retrieval.writing_systems import latin_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.agreement import Agreement
    from retrieval.catalogue import Catalogue, StoredChunk
    from retrieval.embedding import Embedder
    from retrieval.embedding.word_vectors import Words
    from retrieval.lexical import LexicalIndex, LexicalQuery
    from retrieval.paper_cache import PaperCache
    from retrieval.papers import Paper
    from retrieval.scope import Scope
    from retrieval.vectors import DenseIndex

log = logging.getLogger(__name__)

# Candidates per index: papers from the lexical one, windows from the dense one; a paper has one or two windows.
REACH = 200
FILTERED_REACH = 1000
HALF = 0.5
REMEMBERED = 64  # queries whose vectors are cached, some 50 kB each


@dataclass(frozen=True, slots=True)
class _Query:
    """A query in the forms that the steps need; `words` is None if the model has no word vectors."""

    vector: NDArray[np.float32]
    words: Words | None
    lexical: LexicalQuery

    @property
    def read(self) -> float:
        """The share (0..1) of the query in Latin letters, which is all that an English model can read."""
        return latin_share(fold(self.lexical.text))


@dataclass(frozen=True, slots=True)
class _Proposed:
    """The candidates of the lexical index.

    Attributes:
        query: the parsed query.
        bm25: scores by paper id, best first.
        named: papers that the query names by title, id or link.
        authored: papers by authors whose full name is in the query.
    """

    query: LexicalQuery
    bm25: Mapping[str, float] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    authored: frozenset[str] = frozenset()

    def candidates(
        self, paper_ids: Iterable[str], cosines: Mapping[str, float], *, cosine: float = 0.0, bm25: float = 0.0
    ) -> list[Candidate]:
        """Build candidates from the scores of both indexes; `cosine` and `bm25` are the defaults for missing ones."""
        return [
            Candidate(
                paper_id,
                window=cosines.get(paper_id, cosine),
                bm25=self.bm25.get(paper_id, bm25),
                sentence=cosines.get(paper_id, cosine),
                named=paper_id in self.named,
                authored=paper_id in self.authored,
            )
            for paper_id in paper_ids
        ]


class Searcher:
    """Finds papers for a query, from the indexes and the paper cache, both read-only.

    Attributes:
        away: whether the Chroma server failed to answer the last query.
        lost: whether the Chroma server has lost the vectors.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        paper_cache: PaperCache,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
    ) -> None:
        self._catalogue = catalogue
        self._paper_cache = paper_cache
        self._dense = dense
        self._lexical = lexical
        self._embedder = embedder
        self.away = False
        self.lost = False
        self._embedded_lately: LRUCache[str, QueryVectors] = LRUCache(REMEMBERED)

    async def search(self, text: str, limit: int, scope: Scope, vectors: QueryVectors | None = None) -> list[Hit]:
        """Up to `limit` papers of a scope for a non-blank query, best first.

        `vectors` are the query's, if the caller has them.
        """
        # Filters inside Chroma cost 14 ms at 10,000 vectors and seconds at 600,000; over-fetching costs 5 ms.
        reach = REACH if scope.everything else FILTERED_REACH
        (embedded, nearest), proposed = await asyncio.gather(
            self._look_near(text, vectors, reach), self._propose(text, reach)
        )
        query = _Query(embedded.vector, embedded.words, proposed.query)
        paper_ids = list(dict.fromkeys([*nearest, *proposed.bm25, *proposed.named, *proposed.authored]))
        if not scope.everything:
            paper_ids = await self._catalogue.among(paper_ids, scope)
        # A paper that an index did not propose scores at most as much there as the last one it did. Use that as an
        # estimate until the best are scored exactly: scoring all would take as long as the index queries.
        candidates = proposed.candidates(
            paper_ids,
            nearest,
            cosine=min(nearest.values(), default=0.0),
            bm25=min(proposed.bm25.values()) if len(proposed.bm25) == reach else 0.0,
        )
        ranked = fuse(candidates, self._embedder.model, query.read)
        return await self._hits(query, [candidate for _, candidate in ranked], proposed.bm25, limit)

    async def evidence(self, text: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Score the given papers as a search does; the evidence of the best SHORTLIST, best first, by id."""
        query, ranked = await self._among(text, await self.embed(text), paper_ids)
        shortlist = ranked[:SHORTLIST]
        chunks = await self._paper_cache.chunks(candidate.paper_id for candidate in shortlist)

        def weigh_all() -> dict[str, Evidence]:
            best = self._order(query, self._measure(query, shortlist, chunks))
            coverage = self._lexical.coverage(query.lexical, [candidate.paper_id for _, candidate in best])
            ideal = self._lexical.ideal(query.lexical)
            return {
                candidate.paper_id: _evidence(candidate, candidate.sentence, ideal, coverage) for _, candidate in best
            }

        return await asyncio.to_thread(weigh_all)

    async def similar(self, paper: Paper, limit: int) -> list[Hit]:
        """Up to `limit` other papers, nearest first by their windows."""
        own = (await self._paper_cache.windows([paper.paper_id])).get(paper.paper_id)
        if own is None or own.shape[1] != self._embedder.dimensions:
            return []
        lexical = await asyncio.to_thread(self._lexical.read, paper.title)
        query = _Query(middle(own), None, lexical)
        others = await asyncio.to_thread(self._nearest, query.vector, REACH)
        others.pop(paper.paper_id, None)
        nearest = sorted(others, key=lambda paper_id: (-others[paper_id], paper_id))[:limit]
        chunks = await self._paper_cache.chunks(nearest)
        bm25 = await asyncio.to_thread(self._lexical.score, lexical, nearest)
        ranked = _Proposed(lexical, bm25).candidates(nearest, others)
        return await self._make_hits(query, [(candidate.window, candidate) for candidate in ranked], chunks)

    async def hits_for(self, text: str, paper_ids: Sequence[str], vectors: QueryVectors) -> list[Hit]:
        """The given papers as hits for a query, best first, however low a search would rank them."""
        query, ranked = await self._among(text, vectors, paper_ids)
        bm25 = {candidate.paper_id: candidate.bm25 for candidate in ranked}
        return await self._hits(query, ranked, bm25, len(ranked))

    async def _among(
        self, text: str, vectors: QueryVectors, paper_ids: Iterable[str]
    ) -> tuple[_Query, list[Candidate]]:
        """Rank the given papers by cosine and BM25."""
        windows = await self._paper_cache.windows(paper_ids)

        def order() -> tuple[_Query, list[Candidate]]:
            query = _Query(vectors.vector, vectors.words, self._lexical.read(text))
            cosines = _best_cosines(windows, query.vector)
            scored = _Proposed(query.lexical, self._lexical.score(query.lexical, list(cosines)))
            ranked = fuse(scored.candidates(cosines, cosines), self._embedder.model, query.read)
            return query, [candidate for _, candidate in ranked]

        return await asyncio.to_thread(order)

    async def embed(self, text: str) -> QueryVectors:
        """Embed a query; recent ones are cached.

        One chat message is embedded up to three times: to decide whether it is for the bot, to answer it, and as the
        history of the next question.
        """
        vectors = self._embedded_lately.get(text)
        if vectors is None:
            vectors = self._embedded_lately[text] = await self._embed(text)
        return vectors

    async def _embed(self, text: str) -> QueryVectors:
        if isinstance(self._embedder, WordEmbedder):
            vectors, (words,) = await self._embedder.embed_words([text])
            return QueryVectors(vectors[0], words)
        return QueryVectors((await self._embedder.embed([text]))[0], None)

    async def agreement(self, text: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Agreement]:
        """The word agreement of each hit with the query: of its title and of each sentence."""
        whole = [hit.paper.paper_id for hit in hits if hit.location is None]
        chunks = await self._paper_cache.chunks(whole) if vectors.words else {}

        def held(hit: Hit) -> bytes:
            return hit.location.words if hit.location else _words(chunks.get(hit.paper.paper_id, ()))

        def compare() -> list[Agreement]:
            unread = latin_share(fold(text)) < HALF
            if vectors.words is None or unread or not isinstance(self._embedder, WordEmbedder):
                terms = self._lexical.read(text).words
                weights = weigh(np.array([counts * self._lexical.idf(term) for term, counts in terms.items()]))
                return [
                    agreement_of_terms(list(terms), weights, hit.paper.title, _passage_texts(hit), self._lexical.stems)
                    for hit in hits
                ]
            weights = weigh(self._rarity(vectors.words))
            return [self._agree(vectors.words, weights, hit, held(hit), self._embedder) for hit in hits]

        return await asyncio.to_thread(compare)

    def _agree(
        self, words: Words, weights: NDArray[np.float64], hit: Hit, packed: bytes, embedder: WordEmbedder
    ) -> Agreement:
        split = embedder.split_words
        windows = sorted(hit.passages, key=lambda passage: passage.start)
        names = [name for passage in windows for name in split(window_text(hit.paper, passage, embedder))]
        rows = unpack(packed, embedder.dimensions)
        if len(names) != len(rows):  # the text has changed meanwhile; the next search is consistent again
            names, rows = [], rows[:0]
        title, *held = (frozenset(split(clean(text))) for text in (hit.paper.title, *_passage_texts(hit)))
        return agreement_of_vectors(words.vectors, weights, rows, names, title, held)

    def _rarity(self, words: Words) -> NDArray[np.float64]:
        return np.array([importance(word) * self._lexical.weight(word) for word in words.words])

    async def _look_near(
        self, text: str, vectors: QueryVectors | None, reach: int
    ) -> tuple[QueryVectors, dict[str, float]]:
        """Embed the query unless `vectors` is given, and find the nearest papers."""
        embedded = vectors or await self.embed(text)
        return embedded, await asyncio.to_thread(self._nearest, embedded.vector, reach)

    def _nearest(self, vector: NDArray[np.float32], reach: int) -> dict[str, float]:
        """The papers with the nearest chunks, by id, each with its best cosine."""
        nearest: dict[str, float] = {}
        for chunk_id, cosine in self._ask_dense(vector, reach):
            nearest.setdefault(chunk_id.rpartition("#")[0], cosine)
        return nearest

    def _ask_dense(self, vector: NDArray[np.float32], reach: int) -> list[tuple[str, float]]:
        """The nearest chunks; empty if the Chroma server is away or has lost them."""
        try:
            found = self._dense.query(vector, reach)
        except (ServerAwayError, ServerRefusedError, VectorsError) as error:
            if not self._dense.remote:
                raise
            if not self.away:
                log.warning("searching by words alone: %s", error)
            self.away = True
            self.lost = self.lost or isinstance(error, VectorsGoneError)
            return []
        if self._dense.remote and not found and self._lexical.count():
            self.lost = True
        self.away = not found and self.lost
        return found

    async def _propose(self, text: str, reach: int) -> _Proposed:
        """Get the candidates of the lexical index, and the papers named by an id or a link."""

        def ask() -> _Proposed:
            query = self._lexical.read(text)
            return _Proposed(
                query,
                dict(self._lexical.search(query, reach)),
                frozenset(self._lexical.named(query)),
                frozenset(works_in_full(text, self._lexical, reach)),
            )

        proposed = await asyncio.to_thread(ask)
        if references := find_references(text):
            meant = await resolve(references, self._catalogue, self._lexical)
            proposed = replace(proposed, named=proposed.named.union(meant.values()))
        return proposed

    async def _hits(
        self, query: _Query, ranked: Sequence[Candidate], bm25: Mapping[str, float], limit: int
    ) -> list[Hit]:
        """Score the best candidates exactly, rerank them, and turn the first `limit` into hits.

        `bm25` has the exact scores by paper id; other candidates' scores are estimates, except for zeros.
        """
        ranked = ranked[: max(limit, SHORTLIST)]
        chunks = await self._paper_cache.chunks(candidate.paper_id for candidate in ranked)
        estimated = [one.paper_id for one in ranked if one.bm25 and one.paper_id not in bm25]
        measured, missing = await asyncio.gather(
            asyncio.to_thread(self._measure, query, ranked, chunks), self._score(query.lexical, estimated)
        )
        known = {**missing, **bm25}
        best = self._order(query, [one._replace(bm25=known.get(one.paper_id, 0.0)) for one in measured])
        return await self._make_hits(query, best[:limit], chunks)

    async def _score(self, query: LexicalQuery, paper_ids: Sequence[str]) -> Mapping[str, float]:
        return await asyncio.to_thread(self._lexical.score, query, paper_ids) if paper_ids else {}

    async def _make_hits(
        self, query: _Query, best: Sequence[tuple[float, Candidate]], chunks: Mapping[str, Sequence[StoredChunk]]
    ) -> list[Hit]:
        paper_ids = [candidate.paper_id for _, candidate in best]
        papers, coverage = await asyncio.gather(
            self._paper_cache.papers(paper_ids), asyncio.to_thread(self._lexical.coverage, query.lexical, paper_ids)
        )

        def make() -> list[Hit]:
            ideal = self._lexical.ideal(query.lexical)
            return [
                _hit(papers[one.paper_id], score, one, chunks[one.paper_id], query.vector, ideal, coverage)
                for score, one in best
                if one.paper_id in papers and one.paper_id in chunks  # it may have been removed since it was found
            ]

        return await asyncio.to_thread(make)

    def _measure(
        self, query: _Query, ranked: Sequence[Candidate], chunks: Mapping[str, Sequence[StoredChunk]]
    ) -> list[Candidate]:
        """Compute the exact cosines of candidates, and the sentence and word scores of the first SHORTLIST.

        Candidates that were removed meanwhile, or that only another model has embedded, are left out.
        """
        cosines = _best_cosines(
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
        rarity = self._rarity(query.words)
        alike = best_matches(query.words.vectors, [_words(parts) for _, parts in shortlist])
        sentences = _nearest_sentences(shortlist, query.vector)
        compared = [
            candidate._replace(words=match, sentence=sentences.get(candidate.paper_id, candidate.window))
            for (candidate, _), match in zip(shortlist, match_words(alike, rarity).tolist(), strict=True)
        ]
        return [*compared, *measured[SHORTLIST:]]

    def _order(self, query: _Query, measured: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
        """Rank exactly scored candidates, best first; those without word scores come after the others."""
        if query.words is None:
            return fuse(measured, self._embedder.model, query.read)
        best = fuse(measured[:SHORTLIST], self._embedder.model, query.read)
        rest = fuse(measured[SHORTLIST:], self._embedder.model, query.read)
        above = best[-1][0] - rest[0][0] - 1.0 if rest else 0.0
        return [*best, *((score + above, candidate) for score, candidate in rest)]


def _passage_texts(hit: Hit) -> list[str]:
    """The sentences of a hit, in the order of the abstract."""
    return [passage.text for passage in sorted(hit.sentences, key=lambda passage: passage.start)]


def middle(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of unit vectors, normalised."""
    mean = windows.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _hit(
    paper: Paper,
    score: float,
    candidate: Candidate,
    chunks: Sequence[StoredChunk],
    vector: NDArray[np.float32],
    ideal: float,
    coverage: Mapping[str, float],
) -> Hit:
    windows = _nearest_first(
        Passage(
            chunk.start, chunk.end, paper.abstract[chunk.start : chunk.end], float(chunk.vector @ vector), chunk.vector
        )
        for chunk in chunks
    )
    sentences = _nearest_first(passage for chunk in chunks for passage in _sentences(paper, chunk, vector))
    evidence = _evidence(candidate, sentences[0].cosine if sentences else 0.0, ideal, coverage)
    return Hit(paper, score, windows, sentences, evidence)


def _evidence(candidate: Candidate, sentence: float, ideal: float, coverage: Mapping[str, float]) -> Evidence:
    return Evidence(
        cosine=candidate.window,
        sentence_cosine=sentence,
        bm25=candidate.bm25,
        bm25_share=candidate.bm25 / ideal if ideal else 0.0,
        coverage=coverage.get(candidate.paper_id, 0.0),
        words=candidate.words,
    )


def _best_cosines(
    windows: Mapping[str, Sequence[NDArray[np.float32]] | NDArray[np.float32]], vector: NDArray[np.float32]
) -> dict[str, float]:
    # The catalogue holds the vectors of an earlier model until a rebuild is complete.
    windows = {paper_id: rows for paper_id, rows in windows.items() if len(rows[0]) == len(vector)}
    if not windows:
        return {}
    firsts = np.cumsum([0, *(len(rows) for rows in windows.values())])[:-1]
    cosines = np.maximum.reduceat(np.stack([row for rows in windows.values() for row in rows]) @ vector, firsts)
    return dict(zip(windows, cosines.tolist(), strict=True))


def _words(chunks: Iterable[StoredChunk]) -> bytes:
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
