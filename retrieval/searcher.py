"""The search: both indexes propose candidates, a first score ranks them all, a finer one reranks the best, hits follow.

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
            nearest = {paper_id: nearest[paper_id] for paper_id in paper_ids if paper_id in nearest}
        # The dense index has already given the best cosine of its candidates.
        windows = await self._paper_cache.windows(paper_id for paper_id in paper_ids if paper_id not in nearest)
        ranked = await asyncio.to_thread(self._mix, query, windows, nearest, proposed)
        return await self._hits(query, ranked, limit)

    async def evidence(self, text: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Score the given papers as a search does; the evidence of the best SHORTLIST, best first, by id."""
        query, ranked = await self._among(text, await self.embed(text), paper_ids)
        shortlist = ranked[:SHORTLIST]
        chunks = await self._paper_cache.chunks(candidate.paper_id for _, candidate in shortlist)

        def weigh_all() -> dict[str, Evidence]:
            best = self._compare(query, shortlist, chunks)
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
        mixed = await asyncio.to_thread(self._mix, query, {}, others, _Proposed(lexical))
        ranked = sorted(
            ((candidate.window, candidate) for _, candidate in mixed), key=lambda pair: (-pair[0], pair[1].paper_id)
        )
        return await self._hits(query, ranked, limit)

    async def hits_for(self, text: str, paper_ids: Sequence[str], vectors: QueryVectors) -> list[Hit]:
        """The given papers as hits for a query, best first, however low a search would rank them."""
        query, ranked = await self._among(text, vectors, paper_ids)
        return await self._hits(query, ranked, len(ranked))

    async def _among(
        self, text: str, vectors: QueryVectors, paper_ids: Iterable[str]
    ) -> tuple[_Query, list[tuple[float, Candidate]]]:
        """Rank the given papers by the first score."""
        lexical = await asyncio.to_thread(self._lexical.read, text)
        query = _Query(vectors.vector, vectors.words, lexical)
        windows = await self._paper_cache.windows(paper_ids)
        mixed = await asyncio.to_thread(self._mix, query, windows, {}, _Proposed(lexical))
        return query, mixed

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

    def _mix(
        self,
        query: _Query,
        windows: Mapping[str, NDArray[np.float32]],
        nearest: Mapping[str, float],
        proposed: _Proposed,
    ) -> list[tuple[float, Candidate]]:
        """Rank candidates by cosine and BM25; the score that an index did not give is computed.

        `nearest` has the cosines of the dense index's candidates, `windows` the vectors of the others.
        """
        cosines = {**nearest, **_best_cosines(windows, query.vector)}
        rest = self._lexical.score(query.lexical, [paper_id for paper_id in cosines if paper_id not in proposed.bm25])
        candidates = [
            Candidate(
                paper_id,
                window=cosine,
                bm25=proposed.bm25.get(paper_id) or rest.get(paper_id, 0.0),
                sentence=cosine,
                named=paper_id in proposed.named,
                authored=paper_id in proposed.authored,
            )
            for paper_id, cosine in cosines.items()
        ]
        return fuse(candidates, self._embedder.model, query.read)

    async def _hits(self, query: _Query, ranked: Sequence[tuple[float, Candidate]], limit: int) -> list[Hit]:
        """Rerank the best candidates by sentences and words too, and turn the first `limit` into hits."""
        reached = limit if query.words is None else max(limit, SHORTLIST)
        paper_ids = [candidate.paper_id for _, candidate in ranked[:reached]]
        chunks = await self._paper_cache.chunks(paper_ids)
        papers = await self._paper_cache.papers(paper_ids)

        def make() -> list[Hit]:
            best = self._compare(query, ranked, chunks)[:limit]
            coverage = self._lexical.coverage(query.lexical, [candidate.paper_id for _, candidate in best])
            ideal = self._lexical.ideal(query.lexical)
            return [
                _hit(papers[one.paper_id], score, one, chunks[one.paper_id], query.vector, ideal, coverage)
                for score, one in best
                if one.paper_id in papers and one.paper_id in chunks  # it may have been removed since it was found
            ]

        return await asyncio.to_thread(make)

    def _compare(
        self,
        query: _Query,
        ranked: Sequence[tuple[float, Candidate]],
        chunks: Mapping[str, Sequence[StoredChunk]],
    ) -> list[tuple[float, Candidate]]:
        """Rerank the shortlist by sentences and words too; the others follow in their old order."""
        if query.words is None:
            return list(ranked)
        best = self._fuse_all(query, query.words, [candidate for _, candidate in ranked[:SHORTLIST]], chunks)
        rest = ranked[SHORTLIST:]
        above = best[-1][0] - rest[0][0] - 1.0 if rest else 0.0
        return [*best, *((score + above, candidate) for score, candidate in rest)]

    def _fuse_all(
        self,
        query: _Query,
        words: Words,
        shortlist: Sequence[Candidate],
        chunks: Mapping[str, Sequence[StoredChunk]],
    ) -> list[tuple[float, Candidate]]:
        rarity = self._rarity(words)
        alike = best_matches(words.vectors, [_words(chunks.get(candidate.paper_id, ())) for candidate in shortlist])
        sentences = _nearest_sentences(chunks, query.vector)
        compared = [
            replace(candidate, words=match, sentence=sentences.get(candidate.paper_id, candidate.window))
            for candidate, match in zip(shortlist, match_words(alike, rarity).tolist(), strict=True)
        ]
        return fuse(compared, self._embedder.model, query.read)


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


def _best_cosines(windows: Mapping[str, NDArray[np.float32]], vector: NDArray[np.float32]) -> dict[str, float]:
    # The catalogue holds the vectors of an earlier model until a rebuild is complete.
    windows = {paper_id: rows for paper_id, rows in windows.items() if rows.shape[1] == len(vector)}
    if not windows:
        return {}
    firsts = np.cumsum([0, *(len(rows) for rows in windows.values())])[:-1]
    cosines = np.maximum.reduceat(np.concatenate(list(windows.values())) @ vector, firsts)
    return dict(zip(windows, cosines.tolist(), strict=True))


def _words(chunks: Iterable[StoredChunk]) -> bytes:
    """The packed word vectors of a paper."""
    return b"".join(chunk.contents.words for chunk in chunks)


def _nearest_sentences(chunks: Mapping[str, Sequence[StoredChunk]], vector: NDArray[np.float32]) -> dict[str, float]:
    """The best sentence cosine of each paper, by id; papers without sentences are left out."""
    rows_with_sentences = [
        (paper_id, chunk.contents) for paper_id, parts in chunks.items() for chunk in parts if len(chunk.contents.spans)
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
