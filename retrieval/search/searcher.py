"""The search: both indexes propose candidates, an estimated score ranks them, exact scores rerank the best.

Each computing step runs in a thread; data is read from the paper cache between the steps.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.references import find_references
from retrieval.search.authors import works_in_full
from retrieval.search.hit_builder import evidence_of, make_hit
from retrieval.search.ranking import SHORTLIST, Candidate, fuse
from retrieval.search.reranker import Query, Reranker, best_cosines
from retrieval.search.resolver import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue.catalogue import Catalogue, StoredChunk
    from retrieval.catalogue.paper_cache import PaperCache
    from retrieval.catalogue.scope import Scope
    from retrieval.embedding import Embedder
    from retrieval.index.lexical import LexicalIndex, LexicalQuery
    from retrieval.papers import Evidence, Hit, Paper
    from retrieval.search.nearest_papers import NearestPapers
    from retrieval.search.query import QueryVectors
    from retrieval.search.query_embedder import QueryEmbedder

# Candidates per index: papers from the lexical one, windows from the dense one; a paper has one or two windows.
REACH = 200
FILTERED_REACH = 1000


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
    """Finds papers for a query, from the indexes and the paper cache, all read-only."""

    def __init__(
        self,
        catalogue: Catalogue,
        paper_cache: PaperCache,
        nearest: NearestPapers,
        lexical: LexicalIndex,
        embedder: Embedder,
        queries: QueryEmbedder,
    ) -> None:
        self._catalogue = catalogue
        self._paper_cache = paper_cache
        self._nearest = nearest
        self._lexical = lexical
        self._embedder = embedder
        self._queries = queries
        self._reranker = Reranker(lexical, embedder.model)

    async def search(self, text: str, limit: int, scope: Scope, vectors: QueryVectors | None = None) -> list[Hit]:
        """Up to `limit` papers of a scope for a non-blank query, best first.

        `vectors` are the query's, if the caller has them.
        """
        # Filters inside Chroma cost 14 ms at 10,000 vectors and seconds at 600,000; over-fetching costs 5 ms.
        reach = REACH if scope.everything else FILTERED_REACH
        (embedded, nearest), proposed = await asyncio.gather(
            self._look_near(text, vectors, reach), self._propose(text, reach)
        )
        query = Query(embedded.vector, embedded.words, proposed.query)
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
        query, ranked = await self._among(text, await self._queries.embed(text), paper_ids)
        shortlist = ranked[:SHORTLIST]
        chunks = await self._paper_cache.chunks(candidate.paper_id for candidate in shortlist)

        def weigh_all() -> dict[str, Evidence]:
            best = self._reranker.order(query, self._reranker.measure(query, shortlist, chunks))
            coverage = self._lexical.coverage(query.lexical, [candidate.paper_id for _, candidate in best])
            ideal = self._lexical.ideal(query.lexical)
            return {one.paper_id: evidence_of(one, ideal, coverage.get(one.paper_id, 0.0)) for _, one in best}

        return await asyncio.to_thread(weigh_all)

    async def similar(self, paper: Paper, limit: int) -> list[Hit]:
        """Up to `limit` other papers, nearest first by their windows."""
        own = (await self._paper_cache.windows([paper.paper_id])).get(paper.paper_id)
        if own is None or own.shape[1] != self._embedder.dimensions:
            return []
        lexical = await asyncio.to_thread(self._lexical.read, paper.title)
        query = Query(middle(own), None, lexical)
        others = await asyncio.to_thread(self._nearest.find, query.vector, REACH)
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

    async def _among(self, text: str, vectors: QueryVectors, paper_ids: Iterable[str]) -> tuple[Query, list[Candidate]]:
        """Rank the given papers by cosine and BM25."""
        windows = await self._paper_cache.windows(paper_ids)

        def order() -> tuple[Query, list[Candidate]]:
            query = Query(vectors.vector, vectors.words, self._lexical.read(text))
            cosines = best_cosines(windows, query.vector)
            scored = _Proposed(query.lexical, self._lexical.score(query.lexical, list(cosines)))
            ranked = fuse(scored.candidates(cosines, cosines), self._embedder.model, query.read)
            return query, [candidate for _, candidate in ranked]

        return await asyncio.to_thread(order)

    async def _look_near(
        self, text: str, vectors: QueryVectors | None, reach: int
    ) -> tuple[QueryVectors, dict[str, float]]:
        """Embed the query unless `vectors` is given, and find the nearest papers."""
        embedded = vectors or await self._queries.embed(text)
        return embedded, await asyncio.to_thread(self._nearest.find, embedded.vector, reach)

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
        self, query: Query, ranked: Sequence[Candidate], bm25: Mapping[str, float], limit: int
    ) -> list[Hit]:
        """Score the best candidates exactly, rerank them, and turn the first `limit` into hits.

        `bm25` has the exact scores by paper id; other candidates' scores are estimates, except for zeros.
        """
        ranked = ranked[: max(limit, SHORTLIST)]
        chunks = await self._paper_cache.chunks(candidate.paper_id for candidate in ranked)
        estimated = [one.paper_id for one in ranked if one.bm25 and one.paper_id not in bm25]
        measured, missing = await asyncio.gather(
            asyncio.to_thread(self._reranker.measure, query, ranked, chunks), self._score(query.lexical, estimated)
        )
        known = {**missing, **bm25}
        best = self._reranker.order(query, [one._replace(bm25=known.get(one.paper_id, 0.0)) for one in measured])
        return await self._make_hits(query, best[:limit], chunks)

    async def _score(self, query: LexicalQuery, paper_ids: Sequence[str]) -> Mapping[str, float]:
        return await asyncio.to_thread(self._lexical.score, query, paper_ids) if paper_ids else {}

    async def _make_hits(
        self, query: Query, best: Sequence[tuple[float, Candidate]], chunks: Mapping[str, Sequence[StoredChunk]]
    ) -> list[Hit]:
        paper_ids = [candidate.paper_id for _, candidate in best]
        papers, coverage = await asyncio.gather(
            self._paper_cache.papers(paper_ids), asyncio.to_thread(self._lexical.coverage, query.lexical, paper_ids)
        )

        def make() -> list[Hit]:
            ideal = self._lexical.ideal(query.lexical)
            return [
                make_hit(paper, score, one, parts, query.vector, ideal, coverage.get(one.paper_id, 0.0))
                for score, one in best
                # It may have been removed since it was found.
                if (paper := papers.get(one.paper_id)) and (parts := chunks.get(one.paper_id))
            ]

        return await asyncio.to_thread(make)


def middle(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of unit vectors, normalised."""
    mean = windows.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)
