"""Full-text search: finds the parts of full texts nearest to a question, among papers that a search has found.

Full texts are in no index. If abstracts do not answer a question, every window of the papers found is compared with it,
which takes milliseconds. The nearest windows become hits of the same form as those of a search, with sentences and
words, so that the same calibrations can score them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.calibration import standardise
from retrieval.embedding.word_vectors import best_matches
from retrieval.fulltext.article import FullText, Section
from retrieval.index.lexical import K1
from retrieval.index.section_windows import embed_contents, embed_windows
from retrieval.papers import Evidence, Hit, Location, Passage
from retrieval.search.ranking import match_words, rarity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue.contents import Contents
    from retrieval.catalogue.full_text_store import FullTexts, Window
    from retrieval.embedding import Embedder
    from retrieval.index.lexical import LexicalIndex
    from retrieval.papers import Paper
    from retrieval.search.query import QueryVectors

READ: Final = 4  # windows returned; 30 of 30 facts were in the first four
SHARED_WORDS_WEIGHT: Final = 0.5  # how much the share of the question's words counts; the cosine counts 1


@dataclass(frozen=True, slots=True)
class Document:
    """A full text that is searched in one conversation only, and never stored.

    Attributes:
        contents: the contents of the windows that were needed so far, by window number.
    """

    paper: Paper
    full_text: FullText
    windows: tuple[Window, ...]
    contents: dict[int, Contents] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    section: Section
    window: Window
    number: int

    @property
    def text(self) -> str:
        return self.section.text[self.window.start : self.window.end]


class FullTextSearcher:
    """Searches the full texts of papers; read-only."""

    def __init__(self, full_texts: FullTexts, lexical: LexicalIndex, embedder: Embedder) -> None:
        self._full_texts = full_texts
        self._lexical = lexical
        self._embedder = embedder

    async def full_text_passages(
        self, text: str, vectors: QueryVectors, hits: Sequence[Hit], limit: int = READ
    ) -> list[Hit]:
        """Up to `limit` parts of these papers' full texts, nearest first.

        Each is a hit whose paper has the text of the part as its abstract.
        """
        known = await self._full_texts.known({hit.paper.paper_id for hit in hits})
        if not known:
            return []
        found, windows = await asyncio.gather(
            self._full_texts.of(known), self._full_texts.windows_of(known, self._embedder.model)
        )
        candidates = [
            _Candidate(hit, found[paper_id].sections[window.section], window, number)
            for hit in hits
            if (paper_id := hit.paper.paper_id) in found
            for number, window in enumerate(windows.get(paper_id, ()))
        ]
        best = await asyncio.to_thread(self._nearest, text, vectors, candidates, limit)
        stored = await self._full_texts.contents_of(
            [(candidate.hit.paper.paper_id, candidate.window) for candidate in best], self._embedder.model
        )
        contents = await self._read(best, stored)
        return await asyncio.to_thread(self._hits, text, vectors, best, contents)

    async def prepare(self, paper: Paper, full_text: FullText) -> Document:
        """Chunk and embed a full text for `document_passages`; its abstract becomes the first section."""
        lead = Section("", paper.abstract, ((0, 1),))
        whole = FullText(full_text.pages, (lead, *full_text.sections))
        return Document(paper, whole, tuple(await embed_windows(paper.title, whole, self._embedder)))

    async def document_passages(
        self, document: Document, text: str, vectors: QueryVectors, *, lead_only: bool = False, limit: int = READ
    ) -> list[Hit]:
        """Up to `limit` parts of a document, nearest first; with `lead_only`, only from its abstract.

        Each is a hit whose paper has the text of the part as its abstract.
        """
        nothing = Hit(document.paper, 0.0, (), (), Evidence(0.0, 0.0, 0.0, 0.0, 0.0))
        sections = document.full_text.sections
        candidates = [
            _Candidate(nothing, sections[window.section], window, number)
            for number, window in enumerate(document.windows)
            if not lead_only or window.section == 0
        ]
        best = await asyncio.to_thread(self._nearest, text, vectors, candidates, limit)
        contents = await self._read(best, [document.contents.get(candidate.number) for candidate in best])
        document.contents.update(zip((candidate.number for candidate in best), contents, strict=True))
        return await asyncio.to_thread(self._hits, text, vectors, best, contents)

    async def _read(self, best: Sequence[_Candidate], known: Sequence[Contents | None]) -> list[Contents]:
        """The contents of windows; those that the indexer has yet to embed are embedded now."""
        return [
            contents or await embed_contents(candidate.hit.paper.title, candidate.text, self._embedder)
            for candidate, contents in zip(best, known, strict=True)
        ]

    def _hits(
        self, text: str, vectors: QueryVectors, best: Sequence[_Candidate], contents: Sequence[Contents]
    ) -> list[Hit]:
        weights = self._weights(text)
        rarity = np.array([])
        if vectors.words is not None:
            rarity = rarity_of(vectors.words.words, self._lexical)
        return [
            self._hit(weights, vectors, rarity, candidate, found)
            for candidate, found in zip(best, contents, strict=True)
        ]

    def _weights(self, text: str) -> dict[str, float]:
        return {term: counts * self._lexical.idf(term) for term, counts in self._lexical.read(text).words.items()}

    def _nearest(
        self, text: str, vectors: QueryVectors, candidates: Sequence[_Candidate], limit: int
    ) -> list[_Candidate]:
        """The windows nearest to the question, by cosine and by the words they share with it."""
        if not candidates:
            return []
        cosines = np.array([candidate.window.vector for candidate in candidates]) @ vectors.vector
        weights = self._weights(text)
        shared = np.array([self._shares(weights, candidate.text)[0] for candidate in candidates])
        scores = standardise(cosines.astype(np.float64)) + SHARED_WORDS_WEIGHT * standardise(shared)
        return [candidates[int(index)] for index in np.argsort(-scores, kind="stable")[:limit]]

    def _shares(self, weights: dict[str, float], text: str) -> tuple[float, float]:
        """The idf-weighted share (0..1) of the question's words in a text, and the same with BM25's term saturation."""
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
        weights: dict[str, float],
        vectors: QueryVectors,
        rarity: NDArray[np.float64],
        candidate: _Candidate,
        contents: Contents,
    ) -> Hit:
        window, verbatim = candidate.window, candidate.text
        paper = replace(candidate.hit.paper, abstract=verbatim)
        coverage, share = self._shares(weights, f"{paper.title}\n{verbatim}")
        alike = 0.0
        if vectors.words is not None and contents.words:
            alike = float(match_words(best_matches(vectors.words.vectors, [contents.words]), rarity)[0])
        whole = Passage(0, len(verbatim), verbatim, float(window.vector @ vectors.vector), window.vector)
        sentences = [
            Passage(start, end, verbatim[start:end], float(vector @ vectors.vector), vector)
            for (start, end), vector in zip(contents.spans.tolist(), contents.sentences, strict=True)
        ]
        evidence = Evidence(
            cosine=whole.cosine,
            sentence_cosine=max((passage.cosine for passage in sentences), default=0.0),
            bm25=share * (K1 + 1) * sum(weights.values()),
            bm25_share=share,
            coverage=coverage,
            words=alike,
        )
        breaks = candidate.section.breaks_of(window.start, window.end)
        location = Location(candidate.section.heading, breaks, contents.words)
        sentences.sort(key=lambda passage: -passage.cosine)
        return Hit(paper, candidate.hit.score, (whole,), tuple(sentences), evidence, location)
