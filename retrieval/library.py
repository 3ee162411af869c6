"""The library: catalogue, dense index and lexical index behind one interface; papers go in, ranked hits come out."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from retrieval.catalogue.catalogue import Added
from retrieval.catalogue.scope import Scope
from retrieval.catalogue_reader import CatalogueReader
from retrieval.library_parts import open_parts
from retrieval.maintenance import Maintenance
from retrieval.progress import between
from retrieval.search.full_text_searcher import FullTextSearcher
from retrieval.search.hit_agreement import HitAgreement
from retrieval.search.nearest_papers import NearestPapers
from retrieval.search.query_embedder import QueryEmbedder
from retrieval.search.search_gaps import Gaps
from retrieval.search.searcher import Searcher, middle
from retrieval.search.spelling import correct
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.catalogue.full_text_store import FullTexts
    from retrieval.catalogue.removal import Restored
    from retrieval.embedding import Embedder
    from retrieval.fulltext.article import FullText
    from retrieval.index.chroma_server import ChromaServer
    from retrieval.library_parts import LibraryParts
    from retrieval.papers import Evidence, Hit, Paper
    from retrieval.progress import Progress
    from retrieval.search.agreement import Agreement
    from retrieval.search.full_text_searcher import Document
    from retrieval.search.query import QueryVectors
    from retrieval.search.spelling import Spelled
    from retrieval.sources.fetched import OnlineSource, Page

ADD_BATCH: Final = 500
MANY: Final = 10  # users are told of pending papers once they are one in this many


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Library(CatalogueReader):
    """The papers of a data directory: add them, search them, rebuild their indexes."""

    def __init__(self, parts: LibraryParts) -> None:
        super().__init__(parts.catalogue, parts.paper_cache, parts.lexical)
        self._parts = parts
        self._indexer = parts.indexer
        self._embedder = parts.embedder
        self._nearest = NearestPapers(parts.dense, parts.lexical)
        self._queries = QueryEmbedder(parts.embedder)
        self._searcher = Searcher(
            parts.catalogue, parts.paper_cache, self._nearest, parts.lexical, parts.embedder, self._queries
        )
        self._agreement = HitAgreement(parts.paper_cache, parts.lexical, parts.embedder)
        self._full_texts = FullTextSearcher(parts.catalogue.full_texts, parts.lexical, parts.embedder)
        self._maintenance = Maintenance(parts.catalogue, parts.indexer, self._nearest, parts.now)

    @classmethod
    async def open(
        cls,
        data_dir: Path,
        embedder: Embedder,
        *,
        database_url: str | None = None,
        chroma: ChromaServer | None = None,
        rebuild: bool = False,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> Library:
        """Lock a data directory, open it, and check its indexes against the catalogue.

        Indexes that are damaged, missing, or made by another model or chunker set `fault` (`rebuild` always does), and
        papers that an index has lost become pending. The next `index_pending` repairs both, reusing the vectors in the
        catalogue; until then, a library with a fault finds nothing.

        With a database server and a Chroma server, several processes share one library: what one ingests, the others
        find within seconds. While the Chroma server is away, search is lexical only, and new papers stay pending;
        both recover by themselves.

        Args:
            data_dir: created if missing.
            embedder: the embedding model.
            database_url: the catalogue's database; by default an SQLite file in `data_dir`.
            chroma: a Chroma server; by default Chroma runs in this process.
            rebuild: make all indexes again.
            now: the clock, in UTC, for the times at which papers arrive and sources are read.

        Raises:
            LibraryLockedError: Another process is using the directory.
            LibraryDamagedError: The catalogue cannot be read.
            DatabaseAwayError: The database server does not answer.
            ServerRefusedError: The Chroma server refuses the connection.
        """
        parts = await open_parts(data_dir, embedder, database_url=database_url, chroma=chroma, rebuild=rebuild, now=now)
        library = cls(parts)
        if parts.shared:
            library._maintenance.start_following()
        return library

    @property
    def fault(self) -> str | None:
        """Why `index_pending` must rebuild the indexes before anything can be searched; None if it need not."""
        return self._indexer.fault

    @property
    def _unusable(self) -> bool:
        """Whether the indexes may belong to another model; never so in a shared library."""
        return self.fault is not None and not self._parts.shared

    @property
    def gaps(self) -> Gaps:
        """What searches currently leave out."""
        waiting = self._indexer.waiting
        many = waiting * MANY > self._lexical.count() + waiting
        return Gaps(vectors=self._nearest.away or self._indexer.unchecked, waiting=waiting if many else 0)

    async def close(self) -> None:
        """Close everything and unlock the data directory."""
        await self._maintenance.close()
        await self._parts.close()

    async def add(self, papers: Iterable[Paper | Fetched], progress: Progress | None = None) -> Added:
        """Store papers and index those that are new or changed; unchanged papers cost nothing.

        A paper that is already known by any of its ids stays one paper, under its first id.
        """
        waiting = iter(papers)
        added = Added()
        # Read in a thread, a batch at a time: the papers may come from a file larger than memory.
        while batch := await asyncio.to_thread(_batch, waiting):
            some = await self._catalogue.add(batch)
            self._paper_cache.forget(some.touched)
            added += replace(some, touched=frozenset())
        await self.index_pending(progress)
        return added

    async def ingest(
        self, source: OnlineSource, progress: Progress | None = None
    ) -> AsyncGenerator[tuple[Page, Added]]:
        """Read a source from where it was left, and yield each page once it is indexed, so that a kill costs one page.

        `progress` counts to 100 for the whole reading. Raises SourceError; what was yielded before it is kept.
        """
        name, before = source.name, 0.0
        state = await self.source_state(name)
        pages = cast("AsyncGenerator[Page]", source.pages(state.cursor if state else None))
        async with aclosing(pages):
            async for page in pages:
                added = await self.ingest_page(page, name)
                await self.index_pending(progress and between(progress, before, page.share))
                if progress:
                    progress(round(100 * page.share), 100)
                before = page.share
                yield page, added

    async def ingest_page(self, page: Page, source: str) -> Added:
        """Store a page's papers and its cursor in one transaction; `index_pending` indexes them.

        `source` is the source's name, as a user writes it.
        """
        added = await self._catalogue.ingest_page(page.papers, source, page.cursor, self._parts.now())
        self._paper_cache.forget(added.touched)
        return added

    async def remove(self, paper_ids: Iterable[str]) -> list[str]:
        """Remove papers from the library, until they are restored; the ids of those that were in it.

        Sources do not add a removed paper again. Within UNDO it can be restored unchanged.
        """
        current = await self.current_ids(paper_ids)
        gone = await self._catalogue.remove(sorted(set(current.values())), self._parts.now())
        self._paper_cache.forget(gone)
        await self.index_pending()
        return gone

    async def restore(self, paper_ids: Iterable[str]) -> Restored:
        """Restore removed papers; one whose text has been erased can only come back from a source."""
        current = await self.current_ids(paper_ids)
        restored = await self._catalogue.restore(sorted(set(current.values())))
        await self.index_pending()
        return restored

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Chunk, embed and index every pending paper; the number of papers.

        Withdrawn papers leave the indexes first. It may be cancelled: finished batches stay indexed. If a shared Chroma
        server does not answer, the papers stay pending and are indexed once it does.
        """
        return await self._maintenance.index_pending(progress)

    async def search(
        self,
        query: str,
        *,
        limit: int = 10,
        since: dt.date | None = None,
        until: dt.date | None = None,
        source: str | None = None,
        vectors: QueryVectors | None = None,
    ) -> list[Hit]:
        """Up to `limit` papers for a query, best first, each with its passages and raw evidence.

        Papers that the query names by title, id or link come first, then those of an author whose full name it has.
        `since` and `until` (inclusive) exclude papers without a date. `vectors` is the result of `embed` for this
        query, if the caller already has it.
        """
        if not query.strip() or self._unusable:
            return []
        return await self._searcher.search(query, limit, Scope(since, until, source), vectors)

    async def evidence(self, query: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Score the given papers for a query as `search` does; the best forty or so, best first, by the ids given.

        The rest are too far from the query to be a match. Unknown ids are left out.
        """
        current = await self.current_ids(paper_ids)
        asked = {paper_id: known_as for known_as, paper_id in current.items()}
        found = await self._searcher.evidence(query, asked) if query.strip() else {}
        return {asked[paper_id]: record for paper_id, record in found.items()}

    async def embed(self, query: str) -> QueryVectors:
        """Embed a query; raises EmbeddingError if a remote model fails."""
        return await self._queries.embed(query)

    async def spelled(self, text: str) -> Spelled:
        """Correct unknown English words to the nearest word of the library's papers."""
        return await correct(text, self._lexical, self._embedder, self._paper_cache)

    async def hits_for(self, query: str, paper_ids: Sequence[str], vectors: QueryVectors) -> list[Hit]:
        """The given papers as hits for a query, best first, however low a search would rank them."""
        return await self._searcher.hits_for(query, paper_ids, vectors) if paper_ids else []

    async def agreement(self, query: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Agreement]:
        """The word agreement of each hit: how well its title and each sentence match each word of the query."""
        return await self._agreement.measure(query, vectors, hits)

    async def full_text_passages(self, query: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Hit]:
        """The parts of these papers' full texts that are nearest to a query, as hits; empty if none has a full text.

        The hits themselves come from titles and abstracts alone.
        """
        return await self._full_texts.full_text_passages(query, vectors, hits)

    async def prepare_document(self, paper: Paper, full_text: FullText) -> Document:
        """Prepare a full text for `document_passages`, without storing it."""
        return await self._full_texts.prepare(paper, full_text)

    async def document_passages(
        self, document: Document, query: str, vectors: QueryVectors, *, lead_only: bool = False
    ) -> list[Hit]:
        """The parts of a document that are nearest to a query, as hits; with `lead_only`, only from its abstract."""
        return await self._full_texts.document_passages(document, query, vectors, lead_only=lead_only)

    async def add_full_text(self, paper_id: str, full_text: FullText) -> bool:
        """Store and embed the full text of a paper; False if the paper is unknown, withdrawn or removed."""
        stored = await self._catalogue.full_texts.put(paper_id, full_text)
        if stored:
            await self.index_pending()
        return stored

    @property
    def full_texts(self) -> FullTexts:
        """The stored full texts, and the attempts to fetch them."""
        return self._catalogue.full_texts

    async def similar(self, paper_id: str, *, limit: int = 10) -> list[Hit]:
        """Up to `limit` other papers, nearest first by their windows; empty if the paper is unknown."""
        paper = await self.get(paper_id)
        return await self._searcher.similar(paper, limit) if paper and not self._unusable else []

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The normalised mean of each paper's window vectors, by the ids given; papers without any are left out."""
        current = await self.current_ids(paper_ids)
        windows = await self._paper_cache.windows(set(current.values()))
        return {asked: middle(windows[paper_id]) for asked, paper_id in current.items() if paper_id in windows}

    async def note_failure(self, source: str, sentence: str, when: dt.datetime) -> None:
        """Record why reading a source failed; cleared when it is next read to its end."""
        await self._catalogue.note_failure(source, sentence, when)

    @property
    def embedder(self) -> Embedder:
        """The embedding model; calibrations are chosen by its name."""
        return self._embedder


def _batch(waiting: Iterator[Paper | Fetched]) -> list[Paper | Fetched]:
    """The next batch; it ends after a full text, which took seconds to read and must not be lost to a kill."""
    batch: list[Paper | Fetched] = []
    for paper in islice(waiting, ADD_BATCH):
        batch.append(paper)
        if isinstance(paper, Fetched) and paper.full_text is not None:
            break
    return batch
