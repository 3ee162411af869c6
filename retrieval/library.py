"""The library: catalogue, dense and lexical index behind one door; papers go in, ranked hits come out."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from filelock import FileLock, Timeout

from retrieval.catalogue import Added, Catalogue, Embedded
from retrieval.chunking import CHUNKER_VERSION, chunk
from retrieval.embedding import WordEmbedder
from retrieval.embedding.words import unpack
from retrieval.errors import BadInputError, LibraryLockedError
from retrieval.lexical import LexicalIndex
from retrieval.papers import Evidence, Hit, Passage
from retrieval.ranking import SHORTLIST, Candidate, fuse, match_words
from retrieval.shelf import Shelf
from retrieval.vectors import WRITE_ROWS, DenseIndex

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.catalogue import Counts, PendingPaper, StoredChunk
    from retrieval.embedding import Embedder
    from retrieval.embedding.words import Words
    from retrieval.papers import Chunk, ChunkKind, Paper

log = logging.getLogger(__name__)

INDEX_BATCH = 32  # papers between two commits: what a kill costs at most
ADD_BATCH = 500
# What each retriever proposes, papers by words and passages by vectors; a paper has about ten passages.
REACH = 200
FILTERED_REACH = 1000
SELF_CHECK = 16  # stored vectors that must be found again when a library is opened
FOUND_AGAIN = 0.999  # cosine of a vector to itself, as Chroma's float32 gives it


class Progress(Protocol):
    """Show how far long work has come."""

    def __call__(self, done: int, total: int) -> None:
        """Report `done` of `total` papers."""
        ...


class Library:
    """Own a data directory: add papers, search them, rebuild what can be derived."""

    def __init__(
        self,
        lock: FileLock,
        catalogue: Catalogue,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
    ) -> None:
        self._lock = lock
        self._catalogue = catalogue
        self._shelf = Shelf(catalogue)
        self._dense = dense
        self._lexical = lexical
        self._embedder = embedder
        self._titles: Sequence[tuple[str, str]] = ()
        self._indexing = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        data_dir: Path,
        embedder: Embedder,
        *,
        database_url: str | None = None,
        chroma_url: str | None = None,
        rebuild: bool = False,
    ) -> Library:
        """Take ownership of a data directory and check that its indexes hold what the catalogue says.

        Indexes that are damaged, gone or made by another model or chunker are emptied (with `rebuild`, any), and
        their papers wait for `index_pending`, which embeds nothing that is already in the catalogue.
        Raises LibraryLockedError where another process owns the directory and LibraryDamagedError where the
        catalogue cannot be read.
        """
        lock = _own(data_dir)
        try:
            catalogue = await Catalogue.open(database_url or f"sqlite+aiosqlite:///{data_dir / 'footnote.db'}")
            stamp = f"{embedder.model}/{embedder.dimensions}/chunks {CHUNKER_VERSION}"
            # Random bytes in Chroma's files end the interpreter, so an opening that never ended condemns them.
            opening = data_dir / "opening"
            if rebuild or opening.exists():
                await asyncio.to_thread(shutil.rmtree, data_dir / "chroma", ignore_errors=True)
            opening.touch()
            dense = await asyncio.to_thread(
                lambda: DenseIndex.open(folder=data_dir / "chroma", url=chroma_url, stamp=stamp)
            )
            lexical = await asyncio.to_thread(LexicalIndex, data_dir / "lexical", stamp)
            library = cls(lock, catalogue, dense, lexical, embedder)
            if rebuild:
                await library._empty_indexes()
            elif fault := await library._find_fault(stamp):
                log.warning("the indexes are made anew from the catalogue: %s", fault)
                await library._empty_indexes()
            opening.unlink()
            library._titles = await catalogue.titles()
        except BaseException:
            lock.release()
            raise
        return library

    async def close(self) -> None:
        """Close every part and let go of the data directory."""
        async with self._indexing:
            await asyncio.to_thread(self._lexical.close)
            await asyncio.to_thread(self._dense.close)
            await self._catalogue.close()
            await self._embedder.close()
            self._lock.release()

    async def add(self, papers: Iterable[Paper], progress: Progress | None = None) -> Added:
        """Catalogue papers and index what is new or changed; what is known as it is costs nothing."""
        everything = list(papers)
        added = Added()
        for start in range(0, len(everything), ADD_BATCH):
            batch = everything[start : start + ADD_BATCH]
            added += await self._catalogue.add(batch)
            self._shelf.forget(paper.paper_id for paper in batch)
        self._titles = await self._catalogue.titles()
        await self.index_pending(progress)
        return added

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Chunk, embed and index every paper that waits for it; return how many there were."""
        async with self._indexing:
            total = (await self._catalogue.counts()).pending
            done = 0
            while batch := await self._catalogue.pending(INDEX_BATCH, self._embedder.model):
                await self._index(batch)
                done += len(batch)
                if progress:
                    progress(done, max(total, done))
            return done

    async def search(
        self, query: str, *, limit: int = 10, since: dt.date | None = None, source: str | None = None
    ) -> list[Hit]:
        """Return up to `limit` papers for a query, best first, each with its passages and raw evidence.

        `since` keeps papers published on that day or later (those without a date are left out), `source`
        those of one source.
        """
        if not query.strip():
            return []
        # Filters inside Chroma cost 14 ms at 10,000 vectors and seconds at 600,000; over-fetching costs 5 ms.
        reach = FILTERED_REACH if since or source else REACH
        (vector, words), lexical = await asyncio.gather(
            self._embed_query(query), asyncio.to_thread(self._lexical.search, query, reach)
        )
        nearest: dict[str, float] = {}
        for chunk_id, cosine in await asyncio.to_thread(self._dense.query, vector, reach):
            nearest.setdefault(chunk_id.rpartition("#")[0], cosine)
        paper_ids = list(dict.fromkeys([*nearest, *dict(lexical)]))
        if since or source:
            paper_ids = await self._catalogue.among(paper_ids, since=since, source=source)
        candidates = await self._candidates(query, vector, paper_ids, nearest, dict(lexical))
        ranked = await self._rank(candidates, vector, words)
        return await self._hits(query, vector, ranked[:limit])

    async def similar(self, paper_id: str, *, limit: int = 10) -> list[Hit]:
        """Return up to `limit` other papers, those with windows nearest to this one's first; none if it is unknown."""
        paper = await self.get(paper_id)
        windows = (await self._shelf.windows([paper_id])).get(paper_id)
        if paper is None or windows is None:
            return []
        middle = windows.mean(axis=0)
        vector = np.asarray(middle / np.linalg.norm(middle), np.float32)
        near = (
            chunk_id.rpartition("#")[0] for chunk_id, _ in await asyncio.to_thread(self._dense.query, vector, REACH)
        )
        others = [found for found in dict.fromkeys(near) if found != paper_id]
        candidates = await self._candidates(paper.title, vector, others, {}, {})
        candidates.sort(key=lambda candidate: (-candidate.window, candidate.paper_id))
        return await self._hits(paper.title, vector, [(each.window, each) for each in candidates[:limit]])

    def titles(self) -> Sequence[tuple[str, str]]:
        """Return id and title of every paper, those published or added last first."""
        return self._titles

    async def get(self, paper_id: str) -> Paper | None:
        """Return a paper by its id, or None."""
        return (await self._shelf.papers([paper_id])).get(paper_id)

    async def counts(self) -> Counts:
        """Return how much the library holds."""
        return await self._catalogue.counts()

    @property
    def embedder(self) -> Embedder:
        """Return the embedding model, whose name calibrated numbers belong to."""
        return self._embedder

    async def _embed_query(self, query: str) -> tuple[NDArray[np.float32], Words | None]:
        if isinstance(self._embedder, WordEmbedder):
            vectors, (words,) = await self._embedder.embed_words([query])
            return vectors[0], words
        return (await self._embedder.embed([query]))[0], None

    async def _candidates(
        self,
        query: str,
        vector: NDArray[np.float32],
        paper_ids: Sequence[str],
        nearest: Mapping[str, float],
        bm25: Mapping[str, float],
    ) -> list[Candidate]:
        """Return papers with both scores, computed for those that only one index proposed."""
        windows, rest, named = await asyncio.gather(
            self._shelf.windows(paper_ids),
            asyncio.to_thread(self._lexical.score, query, [each for each in paper_ids if each not in bm25]),
            asyncio.to_thread(self._lexical.named, query),
        )
        if not windows:
            return []
        firsts = np.cumsum([0, *(len(rows) for rows in windows.values())])[:-1]
        cosines = np.maximum.reduceat(np.concatenate(list(windows.values())) @ vector, firsts)
        return [
            Candidate(
                paper_id,
                nearest=max(cosine, nearest.get(paper_id, cosine)),
                window=cosine,
                bm25=bm25.get(paper_id) or rest.get(paper_id, 0.0),
                sentence=cosine,
                named=paper_id in named,
            )
            for paper_id, cosine in zip(windows, cosines.tolist(), strict=True)
        ]

    async def _rank(
        self, candidates: Sequence[Candidate], vector: NDArray[np.float32], words: Words | None
    ) -> list[tuple[float, Candidate]]:
        """Order the candidates, the best of them by more; the others stay below in their order."""
        ranked = fuse(candidates, self._embedder.model)
        if words is None:
            return ranked
        shortlist = [candidate for _, candidate in ranked[:SHORTLIST]]
        paper_ids = [candidate.paper_id for candidate in shortlist]
        packed, chunks = await asyncio.gather(self._shelf.words(paper_ids), self._shelf.chunks(paper_ids))
        matches = await asyncio.to_thread(self._match, words, [packed.get(each, b"") for each in paper_ids])
        sentences = _nearest_sentences(chunks, vector)
        compared = [
            replace(candidate, words=match, sentence=sentences.get(candidate.paper_id, candidate.window))
            for candidate, match in zip(shortlist, matches, strict=True)
        ]
        best = fuse(compared, self._embedder.model)
        rest = ranked[SHORTLIST:]
        above = best[-1][0] - rest[0][0] - 1.0 if rest else 0.0
        return [*best, *((score + above, candidate) for score, candidate in rest)]

    def _match(self, words: Words, papers: Sequence[bytes]) -> list[float]:
        weights = np.array([self._lexical.weight(word) for word in words.words])
        vectors = (unpack(packed, self._embedder.dimensions) for packed in papers)
        return match_words(words.vectors, weights, vectors)

    async def _hits(
        self, query: str, vector: NDArray[np.float32], ranked: Sequence[tuple[float, Candidate]]
    ) -> list[Hit]:
        paper_ids = [candidate.paper_id for _, candidate in ranked]
        papers, chunks, coverage = await asyncio.gather(
            self._shelf.papers(paper_ids),
            self._shelf.chunks(paper_ids),
            asyncio.to_thread(self._lexical.coverage, query, paper_ids),
        )
        ideal = self._lexical.ideal(query)
        hits = []
        for score, candidate in ranked:
            paper = papers[candidate.paper_id]
            parts = _passages(paper, chunks[candidate.paper_id], vector)
            evidence = Evidence(
                cosine=candidate.window,
                sentence_cosine=_best(parts["sentence"]),
                bm25=candidate.bm25,
                bm25_share=candidate.bm25 / ideal if ideal else 0.0,
                coverage=coverage.get(candidate.paper_id, 0.0),
                words=candidate.words,
            )
            hits.append(Hit(paper, score, tuple(parts["window"]), tuple(parts["sentence"]), evidence))
        return hits

    async def _index(self, batch: Sequence[PendingPaper]) -> None:
        """Index papers so that a kill between any two steps leaves them pending and nothing doubled."""
        made: list[tuple[Chunk, Embedded | None]] = await asyncio.to_thread(
            lambda: [
                (part, waiting.embedded.get(part.text_hash))
                for waiting in batch
                for part in chunk(waiting.paper, self._embedder)
            ]
        )
        embedded = await self._embed(made)
        rows = [(part, found) for part, known in made if (found := embedded.get(part.text, known))]
        await self._catalogue.store_chunks(rows, self._embedder.model)
        self._shelf.forget(waiting.paper.paper_id for waiting in batch)
        log.info("embedded %d texts of %d papers", len(embedded), len(batch))

        counts: dict[str, int] = defaultdict(int)
        for part, _ in rows:
            counts[part.paper_id] += 1
        left_over = [
            f"{waiting.paper.paper_id}#{position}"
            for waiting in batch
            for position in range(counts[waiting.paper.paper_id], waiting.indexed_chunks)
        ]
        if left_over:
            await asyncio.to_thread(self._dense.delete, left_over)
        for start in range(0, len(rows), WRITE_ROWS):
            part_rows = rows[start : start + WRITE_ROWS]
            await asyncio.to_thread(
                self._dense.upsert,
                [part.chunk_id for part, _ in part_rows],
                np.stack([embedded.vector for _, embedded in part_rows]),
            )
        await asyncio.to_thread(self._lexical.replace, [waiting.paper for waiting in batch])
        await self._catalogue.mark_indexed(
            {w.paper.paper_id: (w.paper.content_hash, counts[w.paper.paper_id]) for w in batch}
        )

    async def _embed(self, made: Sequence[tuple[Chunk, Embedded | None]]) -> dict[str, Embedded]:
        """Return by its text what was not known yet, windows with their words where the model gives them."""
        embedded: dict[str, Embedded] = {}
        if isinstance(self._embedder, WordEmbedder):
            lacking = (part for part, known in made if part.kind == "window" and (known is None or known.words is None))
            if windows := list(dict.fromkeys(part.text for part in lacking)):
                vectors, words = await self._embedder.embed_words(windows)
                embedded |= zip(windows, map(Embedded, vectors, [each.pack() for each in words]), strict=True)
        unknown = (part.text for part, known in made if known is None)
        if texts := [text for text in dict.fromkeys(unknown) if text not in embedded]:
            embedded |= zip(texts, map(Embedded, await self._embedder.embed(texts)), strict=True)
        return embedded

    async def _empty_indexes(self) -> None:
        await self._catalogue.mark_all_pending()
        await asyncio.to_thread(self._dense.reset)
        await asyncio.to_thread(self._lexical.reset)

    async def _find_fault(self, stamp: str) -> str | None:
        """Return why the derived indexes cannot be used as they are, or None.

        Chroma opens a lost or truncated folder without an error, so stored vectors are looked for.
        """
        for name, index in (("dense", self._dense), ("lexical", self._lexical)):
            if index.stamp != stamp:
                return f"the {name} index was made as {index.stamp!r}, not as {stamp!r}"
        counts = await self._catalogue.counts()
        indexed = counts.papers - counts.pending
        if await asyncio.to_thread(self._lexical.count) < indexed:
            return "the lexical index lacks papers"
        for stored in await self._catalogue.sample_chunks(SELF_CHECK):
            found = await asyncio.to_thread(self._dense.query, stored.vector, 1)
            if not found or found[0][1] < FOUND_AGAIN:
                return "the dense index lacks vectors"
        return None


def _own(data_dir: Path) -> FileLock:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / "lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryLockedError(
            f"Another footnote process is using {data_dir}; stop it, or choose another folder with --data-dir."
        ) from None
    except OSError as error:
        raise BadInputError(f"The data dir {data_dir} cannot be used: {error.strerror or error}.") from error
    return lock


def _nearest_sentences(chunks: Mapping[str, Sequence[StoredChunk]], vector: NDArray[np.float32]) -> dict[str, float]:
    """Return the best cosine of each paper's sentences, by id; a paper without any is left out."""
    owners, rows = [], []
    for paper_id, parts in chunks.items():
        for part in parts:
            if part.kind == "sentence":
                owners.append(paper_id)
                rows.append(part.vector)
    nearest: dict[str, float] = {}
    for paper_id, cosine in zip(owners, (np.stack(rows) @ vector).tolist() if rows else [], strict=True):
        nearest[paper_id] = max(cosine, nearest.get(paper_id, -1.0))
    return nearest


def _passages(
    paper: Paper, stored: Sequence[StoredChunk], vector: NDArray[np.float32]
) -> dict[ChunkKind, list[Passage]]:
    """Return a paper's windows and sentences as passages, nearest to the query first."""
    found: dict[ChunkKind, list[Passage]] = {"window": [], "sentence": []}
    if not stored:
        return found
    cosines = np.stack([chunk.vector for chunk in stored]) @ vector
    for at in np.argsort(-cosines, kind="stable"):
        part = stored[at]
        text = paper.abstract[part.start : part.end]
        found[part.kind].append(Passage(part.start, part.end, text, float(cosines[at])))
    return found


def _best(passages: Sequence[Passage]) -> float:
    """Return the best cosine, 0 for a paper without such passages (an abstract that is empty)."""
    return passages[0].cosine if passages else 0.0
