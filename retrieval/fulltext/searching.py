"""Find the parts of full texts that are nearest to a question, among papers that a search has found.

Full texts are in no index. A question that abstracts do not answer has the windows of some papers compared one by one,
which takes milliseconds; the best are read anew with their sentences and words, as hits that the same models weigh.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.calibration import standardise
from retrieval.chunking import chunk
from retrieval.embedding import WordEmbedder
from retrieval.embedding.words import best_matches
from retrieval.fulltext.article import FullText, Section
from retrieval.fulltext.windows import embed_windows
from retrieval.lexical import K1
from retrieval.papers import Evidence, Hit, Location, Passage
from retrieval.query import importance
from retrieval.ranking import match_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.embedding import Embedder
    from retrieval.fulltext.storage import FullTexts, Window
    from retrieval.lexical import LexicalIndex
    from retrieval.papers import ChunkKind, Paper
    from retrieval.query import QueryVectors

READ: Final = 4  # windows with their sentences and words, some 30 ms each; of 30 facts all were in the first four
WORDS_COUNT: Final = 0.5  # of the words that a window shares with the question, beside its vector


@dataclass(frozen=True, slots=True)
class Document:
    """Hold a full text that is read for one conversation and kept nowhere, as a hit would have its paper."""

    paper: Paper
    full_text: FullText
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    section: Section
    window: Window

    @property
    def text(self) -> str:
        return self.section.text[self.window.start : self.window.end]


class FullTextSearcher:
    """Look into the full texts of papers that were found; it changes nothing."""

    def __init__(self, full_texts: FullTexts, lexical: LexicalIndex, embedder: Embedder) -> None:
        self._full_texts = full_texts
        self._lexical = lexical
        self._embedder = embedder

    async def passages(self, text: str, vectors: QueryVectors, hits: Sequence[Hit], limit: int = READ) -> list[Hit]:
        """Return up to `limit` parts of the full texts of these papers as hits, the nearest first."""
        known = await self._full_texts.known({hit.paper.paper_id for hit in hits})
        if not known:
            return []
        found, windows = await asyncio.gather(
            self._full_texts.of(known), self._full_texts.windows_of(known, self._embedder.model)
        )
        candidates = [
            _Candidate(hit, found[paper_id].sections[window.section], window)
            for hit in hits
            if (paper_id := hit.paper.paper_id) in found
            for window in windows.get(paper_id, ())
        ]
        return await self._read(text, vectors, candidates, limit)

    async def prepare(self, paper: Paper, full_text: FullText) -> Document:
        """Return a full text as it can be looked into without being kept; its abstract is its first section."""
        opening = Section("", paper.abstract, ((0, 1),))
        whole = FullText(full_text.pages, (opening, *full_text.sections))
        return Document(paper, whole, tuple(await embed_windows(paper.title, whole, self._embedder, {})))

    async def passages_of(
        self, document: Document, text: str, vectors: QueryVectors, *, opening: bool = False, limit: int = READ
    ) -> list[Hit]:
        """Return up to `limit` parts of a document as hits, the nearest first; with `opening` of its abstract alone."""
        nothing = Hit(document.paper, 0.0, (), (), Evidence(0.0, 0.0, 0.0, 0.0, 0.0))
        sections = document.full_text.sections
        windows = [window for window in document.windows if not opening or window.section == 0]
        return await self._read(text, vectors, [_Candidate(nothing, sections[w.section], w) for w in windows], limit)

    async def _read(self, text: str, vectors: QueryVectors, candidates: Sequence[_Candidate], limit: int) -> list[Hit]:
        if not candidates:
            return []
        best = await asyncio.to_thread(self._nearest, text, vectors, candidates, limit)
        papers = [replace(each.hit.paper, abstract=each.text) for each in best]
        parts = await asyncio.to_thread(lambda: [chunk(paper, self._embedder) for paper in papers])
        texts = list(dict.fromkeys(part.text for each in parts for part in each if part.kind == "window"))
        embedded: dict[str, NDArray[np.float32]] = {}
        words: dict[str, bytes] = {}
        if isinstance(self._embedder, WordEmbedder):
            rows, found = await self._embedder.embed_words(texts)
            embedded |= zip(texts, rows, strict=True)
            words |= zip(texts, [each.pack() for each in found], strict=True)
        rest = list(dict.fromkeys(part.text for each in parts for part in each if part.text not in embedded))
        embedded |= zip(rest, await self._embedder.embed(rest) if rest else (), strict=True)

        def make() -> list[Hit]:
            made = []
            for candidate, paper, own in zip(best, papers, parts, strict=True):
                said: dict[ChunkKind, list[Passage]] = {"window": [], "sentence": []}
                for part in own:
                    vector = embedded[part.text]
                    verbatim = paper.abstract[part.start : part.end]
                    said[part.kind].append(
                        Passage(part.start, part.end, verbatim, float(vector @ vectors.vector), vector)
                    )
                packed = b"".join(words.get(part.text, b"") for part in own if part.kind == "window")
                made.append(self._hit(text, vectors, candidate, paper, said["window"], said["sentence"], packed))
            return made

        return await asyncio.to_thread(make)

    def _nearest(
        self, text: str, vectors: QueryVectors, candidates: Sequence[_Candidate], limit: int
    ) -> list[_Candidate]:
        """Return the windows that are nearest by their vectors and by the words that they share with the question."""
        cosines = np.array([each.window.vector for each in candidates]) @ vectors.vector
        query = self._lexical.read(text).words
        weights = {term: counts * self._lexical.idf(term) for term, counts in query.items()}
        shared = np.array([self._shares(weights, each.text)[0] for each in candidates])
        scores = standardise(cosines.astype(np.float64)) + WORDS_COUNT * standardise(shared)
        return [candidates[int(at)] for at in np.argsort(-scores, kind="stable")[:limit]]

    def _shares(self, weights: dict[str, float], text: str) -> tuple[float, float]:
        """Return which share of the question's words a text holds, and the same as BM25 counts them."""
        total = sum(weights.values())
        if not total:
            return 0.0, 0.0
        stems = self._lexical.stems(text)
        counts = {term: stems.count(term) for term in weights}
        coverage = sum(weight for term, weight in weights.items() if counts[term])
        bm25 = sum(weight * counts[term] / (counts[term] + K1) for term, weight in weights.items())
        return coverage / total, bm25 / total

    def _hit(
        self,
        text: str,
        vectors: QueryVectors,
        candidate: _Candidate,
        paper: Paper,
        windows: list[Passage],
        sentences: list[Passage],
        packed: bytes,
    ) -> Hit:
        query = self._lexical.read(text).words
        weights = {term: counts * self._lexical.idf(term) for term, counts in query.items()}
        coverage, share = self._shares(weights, f"{paper.title}\n{paper.abstract}")
        alike = 0.0
        if vectors.words is not None and packed:
            rarity = np.array([importance(word) * self._lexical.weight(word) for word in vectors.words.words])
            alike = float(match_words(best_matches(vectors.words.vectors, [packed]), rarity)[0])
        evidence = Evidence(
            cosine=max(passage.cosine for passage in windows),
            sentence_cosine=max((passage.cosine for passage in sentences), default=0.0),
            bm25=share * (K1 + 1) * sum(weights.values()),
            bm25_share=share,
            coverage=coverage,
            words=alike,
        )
        window = candidate.window
        location = Location(candidate.section.heading, candidate.section.breaks_of(window.start, window.end), packed)
        windows.sort(key=lambda passage: -passage.cosine)
        sentences.sort(key=lambda passage: -passage.cosine)
        return Hit(paper, candidate.hit.score, tuple(windows), tuple(sentences), evidence, location)
