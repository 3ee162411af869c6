"""The library: catalogue, dense and lexical index behind one door; papers go in, ranked hits come out."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from retrieval.catalogue import Added, Catalogue
from retrieval.chunking import CHUNKER_VERSION
from retrieval.embedding import WordEmbedder
from retrieval.embedding.words import unpack
from retrieval.errors import BadInputError, LibraryLockedError
from retrieval.indexing import Indexer, Progress
from retrieval.lexical import LexicalIndex
from retrieval.papers import Evidence, Hit, Passage
from retrieval.ranking import SHORTLIST, Candidate, fuse, match_words
from retrieval.shelf import Shelf
from retrieval.vectors import DenseIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.catalogue import Counts, Fresh, Reading, StoredChunk
    from retrieval.embedding import Embedder
    from retrieval.embedding.words import Words
    from retrieval.papers import ChunkKind, Paper
    from retrieval.sources.fetched import Fetched, Page

__all__ = ["Library", "Progress"]

log = logging.getLogger(__name__)

ADD_BATCH = 500
# What each retriever proposes, papers by words and passages by vectors; a paper has about ten passages.
REACH = 200
FILTERED_REACH = 1000


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Library:
    """Own a data directory: add papers, search them, rebuild what can be derived."""

    def __init__(
        self,
        lock: FileLock,
        catalogue: Catalogue,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._lock = lock
        self._catalogue = catalogue
        self._shelf = Shelf(catalogue)
        self._dense = dense
        self._lexical = lexical
        self._embedder = embedder
        self._now = now
        self._titles: Sequence[tuple[str, str]] = ()
        self._indexer = Indexer(catalogue, self._shelf, dense, lexical, embedder, now)

    @classmethod
    async def open(
        cls,
        data_dir: Path,
        embedder: Embedder,
        *,
        database_url: str | None = None,
        chroma_url: str | None = None,
        rebuild: bool = False,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> Library:
        """Take ownership of a data directory and check that its indexes hold what the catalogue says.

        Indexes that are damaged, gone or made by another model or chunker are emptied (with `rebuild`, any), and
        their papers wait for `index_pending`, which embeds nothing that is already in the catalogue. `now` tells the
        time (in UTC) that papers arrive and sources are read at.
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
            library = cls(lock, catalogue, dense, lexical, embedder, now)
            if rebuild:
                await library._indexer.empty()
            elif fault := await library._indexer.find_fault(stamp):
                log.warning("the indexes are made anew from the catalogue: %s", fault)
                await library._indexer.empty()
            opening.unlink()
            library._titles = await catalogue.titles()
        except BaseException:
            lock.release()
            raise
        return library

    async def close(self) -> None:
        """Close every part and let go of the data directory."""
        await self._indexer.close()
        await self._catalogue.close()
        await self._embedder.close()
        self._lock.release()

    async def add(self, papers: Iterable[Paper | Fetched], progress: Progress | None = None) -> Added:
        """Catalogue papers and index what is new or changed; what is known as it is costs nothing.

        A paper that is known under any of its ids stays one paper, under the id that it had first.
        """
        everything = list(papers)
        added = Added()
        for start in range(0, len(everything), ADD_BATCH):
            some = await self._catalogue.add(everything[start : start + ADD_BATCH])
            self._shelf.forget(some.touched)
            added += some
        self._titles = await self._catalogue.titles()
        await self.index_pending(progress)
        return added

    async def take(self, page: Page, source: str) -> Added:
        """Catalogue a page's papers and keep the cursor after it, both or neither; they wait for `index_pending`.

        `source` is its `name`, as a user writes it.
        """
        added = await self._catalogue.take(page.papers, source, page.cursor, self._now())
        self._shelf.forget(added.touched)
        return added

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Chunk, embed and index every paper that waits for it; return how many there were.

        Withdrawn papers leave the indexes first. It may be cancelled: what is done by then stays done.
        """
        waited = (await self._catalogue.counts()).pending
        try:
            return await self._indexer.run(progress)
        finally:
            if waited:
                self._titles = await self._catalogue.titles()

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
        (vector, words), lexical = await asyncio.gather(self._embed_query(query), self._propose_by_words(query, reach))
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
        windows = (await self._shelf.windows([paper.paper_id])).get(paper.paper_id) if paper else None
        if paper is None or windows is None:
            return []
        vector = _middle(windows)
        near = (
            chunk_id.rpartition("#")[0] for chunk_id, _ in await asyncio.to_thread(self._dense.query, vector, REACH)
        )
        others = [found for found in dict.fromkeys(near) if found != paper.paper_id]
        candidates = await self._candidates(paper.title, vector, others, {}, {})
        candidates.sort(key=lambda candidate: (-candidate.window, candidate.paper_id))
        return await self._hits(paper.title, vector, [(each.window, each) for each in candidates[:limit]])

    def titles(self) -> Sequence[tuple[str, str]]:
        """Return id and title of every paper that stands, those published or added last first."""
        return self._titles

    async def get(self, paper_id: str) -> Paper | None:
        """Return a paper by any of its ids, or None; also one that is withdrawn, and is found no more."""
        if paper := (await self._shelf.papers([paper_id])).get(paper_id):
            return paper
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._shelf.papers([current])).get(current) if current else None

    async def current_ids(self, paper_ids: Iterable[str]) -> dict[str, str]:
        """Return, for each of these ids, the one that its paper goes by now; unknown ones are left out.

        Two papers may turn out to be one, so that what was kept under an id is found under another.
        """
        return await self._catalogue.current_ids(paper_ids)

    async def details(self, paper_ids: Iterable[str]) -> dict[str, Fetched]:
        """Return all that is known of papers, by the ids asked for; unknown ones are left out, withdrawn ones not."""
        current = await self.current_ids(paper_ids)
        known = await self._catalogue.known(set(current.values()))
        return {asked: known[paper_id].details for asked, paper_id in current.items() if paper_id in known}

    async def fresh(self, after: dt.datetime, before: dt.datetime) -> list[Fresh]:
        """Return what could first be found after a moment and until another, and stands, the oldest first."""
        return await self._catalogue.fresh(after, before)

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the unit mean of each paper's window vectors, by the ids asked for; those without any are left out."""
        current = await self.current_ids(paper_ids)
        windows = await self._shelf.windows(set(current.values()))
        return {asked: _middle(windows[paper_id]) for asked, paper_id in current.items() if paper_id in windows}

    async def reading(self, source: str) -> Reading | None:
        """Return how it stands with a source, by its name as a user writes it; None if it was never read."""
        return next(iter(await self._catalogue.readings(source)), None)

    async def readings(self) -> list[Reading]:
        """Return how it stands with every source that was ever read, in the order of their names."""
        return await self._catalogue.readings()

    async def failed(self, source: str, sentence: str, at: dt.datetime) -> None:
        """Keep what is wrong with a source, until it is next read to its end."""
        await self._catalogue.failed(source, sentence, at)

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

    async def _propose_by_words(self, query: str, reach: int) -> list[tuple[str, float]]:
        """Return paper ids with their BM25 score, and have their windows at hand before the query is embedded."""
        found = await asyncio.to_thread(self._lexical.search, query, reach)
        await self._shelf.windows(paper_id for paper_id, _ in found)
        return found

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
        matches, chunks = await asyncio.gather(self._match(words, paper_ids), self._shelf.chunks(paper_ids))
        sentences = _nearest_sentences(chunks, vector)
        compared = [
            replace(candidate, words=match, sentence=sentences.get(candidate.paper_id, candidate.window))
            for candidate, match in zip(shortlist, matches, strict=True)
        ]
        best = fuse(compared, self._embedder.model)
        rest = ranked[SHORTLIST:]
        above = best[-1][0] - rest[0][0] - 1.0 if rest else 0.0
        return [*best, *((score + above, candidate) for score, candidate in rest)]

    async def _match(self, words: Words, paper_ids: Sequence[str]) -> list[float]:
        """Return how well each paper's words match the query's."""
        packed = await self._shelf.words(paper_ids)

        def match() -> list[float]:
            weights = np.array([self._lexical.weight(word) for word in words.words])
            vectors = (unpack(packed.get(paper_id, b""), self._embedder.dimensions) for paper_id in paper_ids)
            return match_words(words.vectors, weights, vectors)

        return await asyncio.to_thread(match)

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
            paper = papers.get(candidate.paper_id)
            if paper is None or candidate.paper_id not in chunks:
                continue  # it has left since it was found
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


def _middle(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of unit vectors as a unit vector."""
    middle = windows.mean(axis=0)
    return np.asarray(middle / np.linalg.norm(middle), np.float32)


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
        found[part.kind].append(Passage(part.start, part.end, text, float(cosines[at]), part.vector))
    return found


def _best(passages: Sequence[Passage]) -> float:
    """Return the best cosine, 0 for a paper without such passages (an abstract that is empty)."""
    return passages[0].cosine if passages else 0.0
