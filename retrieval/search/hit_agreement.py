"""The agreement of hits with a query, word by word: by word vectors where they mean something, else by stems."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.embedding import WordEmbedder
from retrieval.embedding.word_vectors import unpack
from retrieval.index.chunker import window_text
from retrieval.search.agreement import agreement_of_terms, agreement_of_vectors
from retrieval.search.ranking import rarity_of, weigh
from retrieval.search.reranker import packed_words
from retrieval.text.text import clean, fold
from retrieval.text.writing_systems import latin_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue.paper_cache import PaperCache
    from retrieval.embedding import Embedder
    from retrieval.embedding.word_vectors import Words
    from retrieval.index.lexical import LexicalIndex
    from retrieval.papers import Hit
    from retrieval.search.agreement import Agreement
    from retrieval.search.query import QueryVectors

MOSTLY: Final = 0.5  # the share of Latin letters from which an English model can read a query


class HitAgreement:
    """Compares hits with queries, from the paper cache."""

    def __init__(self, paper_cache: PaperCache, lexical: LexicalIndex, embedder: Embedder) -> None:
        self._paper_cache = paper_cache
        self._lexical = lexical
        self._embedder = embedder

    async def measure(self, text: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Agreement]:
        """The word agreement of each hit with the query: of its title and of each sentence."""
        embedder = self._embedder
        if vectors.words is None or not isinstance(embedder, WordEmbedder) or latin_share(fold(text)) < MOSTLY:
            return await asyncio.to_thread(self._by_stems, text, hits)
        whole = [hit.paper.paper_id for hit in hits if hit.location is None]
        chunks = await self._paper_cache.chunks(whole)
        packed = [
            hit.location.words if hit.location else packed_words(chunks.get(hit.paper.paper_id, ())) for hit in hits
        ]
        return await asyncio.to_thread(self._by_vectors, vectors.words, hits, packed, embedder)

    def _by_stems(self, text: str, hits: Sequence[Hit]) -> list[Agreement]:
        terms = self._lexical.read(text).words
        weights = weigh(np.array([counts * self._lexical.idf(term) for term, counts in terms.items()]))
        return [
            agreement_of_terms(list(terms), weights, hit.paper.title, _sentences(hit), self._lexical.stems)
            for hit in hits
        ]

    def _by_vectors(
        self, words: Words, hits: Sequence[Hit], packed: Sequence[bytes], embedder: WordEmbedder
    ) -> list[Agreement]:
        """Compare with the packed word vectors of each hit."""
        weights = weigh(rarity_of(words.words, self._lexical))
        return [_agreement(words, weights, hit, own, embedder) for hit, own in zip(hits, packed, strict=True)]


def _agreement(
    words: Words, weights: NDArray[np.float64], hit: Hit, packed: bytes, embedder: WordEmbedder
) -> Agreement:
    split = embedder.split_words
    windows = sorted(hit.passages, key=lambda passage: passage.start)
    names = [name for passage in windows for name in split(window_text(hit.paper, passage, embedder))]
    rows = unpack(packed, embedder.dimensions)
    if len(names) != len(rows):  # the text has changed meanwhile; the next search is consistent again
        names, rows = [], rows[:0]
    title, *held = (frozenset(split(clean(text))) for text in (hit.paper.title, *_sentences(hit)))
    return agreement_of_vectors(words.vectors, weights, rows, names, title, held)


def _sentences(hit: Hit) -> list[str]:
    """The sentences of a hit, in the order of the abstract."""
    return [passage.text for passage in sorted(hit.sentences, key=lambda passage: passage.start)]
