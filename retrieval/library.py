"""The library: catalogue, dense index and lexical index behind one interface; papers go in, ranked hits come out."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from contextlib import AsyncExitStack, aclosing, nullcontext
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, cast

from filelock import FileLock, Timeout

from retrieval.authors import find_named_authors, find_works
from retrieval.catalogue import Added, Catalogue
from retrieval.errors import BadInputError, DatabaseAwayError, FootnoteError, LibraryLockedError, ServerAwayError
from retrieval.follower import Follower
from retrieval.fulltext.full_text_searcher import FullTextSearcher
from retrieval.index_guard import throw_away, watched
from retrieval.indexer import Indexer
from retrieval.lexical import LexicalIndex
from retrieval.paper_cache import PaperCache
from retrieval.progress import between
from retrieval.references import find_references
from retrieval.removal import UNDO, Removed, Restored
from retrieval.resolver import look_up, resolve
from retrieval.scope import Scope
from retrieval.search_gaps import Gaps
from retrieval.searcher import Searcher, middle
from retrieval.sources.fetched import Fetched
from retrieval.spelling import correct
from retrieval.stamp import stamp_of
from retrieval.titles import Titles
from retrieval.vectors import COLLECTION, DenseIndex

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.agreement import Agreement
    from retrieval.authors import NamedAuthor, Works
    from retrieval.catalogue import Count, Counts, Fresh, SourceState
    from retrieval.chroma_server import ChromaServer
    from retrieval.embedding import Embedder
    from retrieval.fulltext.article import FullText
    from retrieval.fulltext.full_text_searcher import Document
    from retrieval.fulltext.storage import FullTexts
    from retrieval.merge import Known
    from retrieval.papers import Evidence, Hit, Paper
    from retrieval.progress import Progress
    from retrieval.query import QueryVectors
    from retrieval.resolver import Lookup
    from retrieval.sources.fetched import OnlineSource, Page
    from retrieval.spelling import Spelled

log = logging.getLogger(__name__)

CATALOGUE = "footnote.db"  # in the data dir, unless a database is configured
ADD_BATCH = 500
MANY = 10  # users are told of pending papers once they are one in this many
FOLLOWED_EVERY = 2.0  # seconds between polls for other processes' changes


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Library:
    """The papers of a data directory: add them, search them, rebuild their indexes."""

    def __init__(
        self,
        lock: FileLock,
        catalogue: Catalogue,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        now: Callable[[], dt.datetime],
        paper_cache: PaperCache,
        indexer: Indexer,
        *,
        shared: bool,
    ) -> None:
        self._lock = lock
        self._catalogue = catalogue
        self._paper_cache = paper_cache
        self._dense = dense
        self._lexical = lexical
        self._embedder = embedder
        self._now = now
        self._titles = Titles(catalogue, lexical)
        self._searcher = Searcher(catalogue, paper_cache, dense, lexical, embedder)
        self._full_texts = FullTextSearcher(catalogue.full_texts, lexical, embedder)
        self._indexer = indexer
        self._shared = shared
        self._following: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self._unfinished = False

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
        async with AsyncExitStack() as opened:
            lock = lock_data_dir(data_dir)
            opened.callback(lock.release)
            catalogue = await Catalogue.open(database_url or data_dir / CATALOGUE)
            opened.push_async_callback(catalogue.close)
            stamp = stamp_of(embedder)
            folder = data_dir / "chroma"
            state = await catalogue.state(stamp)
            name = state.live if chroma else COLLECTION
            with nullcontext() if chroma else watched(folder, data_dir / "opening"):
                if rebuild and not chroma:
                    await asyncio.to_thread(throw_away, folder)
                dense = await asyncio.to_thread(
                    lambda: DenseIndex.open(folder=folder, server=chroma, stamp=stamp, name=name)
                )
                opened.push_async_callback(asyncio.to_thread, dense.close)
                lexical = await asyncio.to_thread(LexicalIndex, data_dir / "lexical", stamp)
                opened.push_async_callback(asyncio.to_thread, lexical.close)
                paper_cache = PaperCache(catalogue)
                follower = Follower(catalogue, paper_cache, lexical, data_dir / "lexical", state.library_id)
                indexer = Indexer(catalogue, dense, lexical, follower, embedder, now, shared=chroma is not None)
                await indexer.check(rebuild=rebuild)
            library = cls(
                lock, catalogue, dense, lexical, embedder, now, paper_cache, indexer, shared=chroma is not None
            )
            if chroma:
                library._following = asyncio.create_task(library._follow())
            opened.pop_all()
        return library

    @property
    def fault(self) -> str | None:
        """Why `index_pending` must rebuild the indexes before anything can be searched; None if it need not."""
        return self._indexer.fault

    @property
    def _unusable(self) -> bool:
        """Whether the indexes may belong to another model; never so in a shared library."""
        return self.fault is not None and not self._shared

    @property
    def gaps(self) -> Gaps:
        """What searches currently leave out."""
        waiting = self._indexer.waiting
        many = waiting * MANY > self._lexical.count() + waiting
        return Gaps(vectors=self._searcher.away or self._indexer.unchecked, waiting=waiting if many else 0)

    async def close(self) -> None:
        """Close everything and unlock the data directory."""
        for task in filter(None, (self._following, self._mending)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._indexer.close()
        await self._catalogue.close()
        await self._embedder.close()
        self._lock.release()

    async def _follow(self) -> None:
        """Apply other processes' changes for ever; errors are logged."""
        while True:
            await asyncio.sleep(FOLLOWED_EVERY)
            try:
                await self._indexer.follow()
                if self._mending is None or self._mending.done():
                    self._mending = asyncio.create_task(self._mend())
            except Exception as error:  # noqa: BLE001  # a server may be away for a while
                log.warning("not up to date with other processes: %s", type(error).__name__)

    async def _mend(self) -> None:
        """Recover after a Chroma server was away or came back empty: check the indexes, index what is pending."""
        try:
            if self._searcher.lost or self._indexer.unchecked:
                await self._indexer.check()
                self._unfinished = self._unfinished or self.fault is not None
                self._unfinished = self._unfinished or await self._catalogue.pending_count() > 0
            if self._unfinished and not self._indexer.unchecked:
                await self.index_pending()
            if not self._unfinished and not self._indexer.unchecked:
                self._searcher.lost = False
        except Exception as error:  # noqa: BLE001  # as above
            log.warning("not mended yet: %s", error if isinstance(error, FootnoteError) else type(error).__name__)

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
        added = await self._catalogue.ingest_page(page.papers, source, page.cursor, self._now())
        self._paper_cache.forget(added.touched)
        return added

    async def remove(self, paper_ids: Iterable[str]) -> list[str]:
        """Remove papers from the library, until they are restored; the ids of those that were in it.

        Sources do not add a removed paper again. Within UNDO it can be restored unchanged.
        """
        current = await self.current_ids(paper_ids)
        gone = await self._catalogue.remove(sorted(set(current.values())), self._now())
        self._paper_cache.forget(gone)
        await self.index_pending()
        return gone

    async def restore(self, paper_ids: Iterable[str]) -> Restored:
        """Restore removed papers; one whose text has been erased can only come back from a source."""
        current = await self.current_ids(paper_ids)
        restored = await self._catalogue.restore(sorted(set(current.values())))
        await self.index_pending()
        return restored

    async def removed(self) -> list[Removed]:
        """All removed papers, last removed first."""
        return await self._catalogue.removed()

    async def only_from(self, source: str) -> list[str]:
        """Ids of the papers that only this source has."""
        return await self._catalogue.only_from(source)

    async def ids(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> list[str]:
        """Ids of all papers, newest first; with `since` or `until`, only of papers that have a date."""
        return await self._catalogue.ids(Scope(since, until, source))

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Chunk, embed and index every pending paper; the number of papers.

        Withdrawn papers leave the indexes first. It may be cancelled: finished batches stay indexed. If a shared Chroma
        server does not answer, the papers stay pending and are indexed once it does.
        """
        await self._catalogue.erase_removed(self._now() - UNDO)
        try:
            done = await self._indexer.run(progress)
        except DatabaseAwayError:
            raise
        except ServerAwayError as error:
            self._unfinished = True
            log.warning("%s Papers wait to be indexed until it does.", error)
            return 0
        else:
            self._unfinished = False
            return done

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
        return await self._searcher.embed(query)

    async def spelled(self, text: str) -> Spelled:
        """Correct unknown English words to the nearest word of the library's papers."""
        return await correct(text, self._lexical, self._embedder, self._paper_cache)

    async def hits_for(self, query: str, paper_ids: Sequence[str], vectors: QueryVectors) -> list[Hit]:
        """The given papers as hits for a query, best first, however low a search would rank them."""
        return await self._searcher.hits_for(query, paper_ids, vectors) if paper_ids else []

    async def agreement(self, query: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Agreement]:
        """The word agreement of each hit: how well its title and each sentence match each word of the query."""
        return await self._searcher.agreement(query, vectors, hits)

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

    async def full_text(self, paper_id: str) -> FullText | None:
        """The full text of a paper, by any of its ids; None if there is none."""
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._catalogue.full_texts.of([current])).get(current) if current else None

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

    async def lookup(self, text: str) -> Lookup:
        """Find the papers that a text names by an id or a link, and the names that are not in the library."""
        return await look_up(text, self._catalogue, self._lexical)

    async def by_author(self, name: str, *, limit: int = 10) -> Works:
        """Up to `limit` papers of an author, newest first; the name may be a surname, or misspelled."""
        return await find_works(name, limit, self._catalogue, self._lexical)

    async def authors_in(self, text: str) -> tuple[NamedAuthor, ...]:
        """Find names of the library's authors in a text."""
        return await asyncio.to_thread(find_named_authors, text, self._lexical)

    async def newest(
        self,
        *,
        limit: int = 10,
        since: dt.date | None = None,
        until: dt.date | None = None,
        source: str | None = None,
    ) -> list[Paper]:
        """Up to `limit` papers, newest first; papers without a date are left out."""
        return await self._catalogue.newest(limit, Scope(since, until, source))

    async def count(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> Count:
        """Count the papers of a period and source, and the undated papers that it leaves out."""
        return await self._catalogue.count(Scope(since, until, source))

    async def similar(self, paper_id: str, *, limit: int = 10) -> list[Hit]:
        """Up to `limit` other papers, nearest first by their windows; empty if the paper is unknown."""
        paper = await self.get(paper_id)
        return await self._searcher.similar(paper, limit) if paper and not self._unusable else []

    @property
    def titles(self) -> Titles:
        """The search for papers by title."""
        return self._titles

    async def of_key(self, key: str) -> str | None:
        """The id of the paper with a hashed `short_key`; None if there is none."""
        return await asyncio.to_thread(self._lexical.of_key, key)

    async def get(self, paper_id: str) -> Paper | None:
        """A paper by any of its ids, even if it is withdrawn and no longer found; None if it is unknown."""
        if paper := (await self._paper_cache.papers([paper_id])).get(paper_id):
            return paper
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._paper_cache.papers([current])).get(current) if current else None

    async def find(self, text: str) -> Paper | None:
        """The one paper that a text names by an id or a link, in any spelling; None if it names none or several."""
        paper_id = await self.id_of(text)
        return await self.get(paper_id) if paper_id else None

    async def id_of(self, text: str) -> str | None:
        """The id of the one paper that a text names, as in `find`, even if it was removed."""
        name = text.strip()
        if current := (await self.current_ids([name])).get(name):
            return current
        named = set((await resolve(find_references(text), self._catalogue, self._lexical)).values())
        return named.pop() if len(named) == 1 else None

    async def known(self, paper_id: str) -> Known | None:
        """Everything known about a paper and its sources, by any of its ids; None if it is not here."""
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._catalogue.known([current])).get(current) if current else None

    async def current_ids(self, paper_ids: Iterable[str]) -> dict[str, str]:
        """Map ids to the current ids of their papers; unknown ids are left out.

        When two papers turn out to be one, they are merged under one of their ids.
        """
        return await self._catalogue.current_ids(paper_ids)

    async def details(self, paper_ids: Iterable[str]) -> dict[str, Fetched]:
        """Everything known about papers, withdrawn ones included, by the ids given; unknown ids are left out."""
        current = await self.current_ids(paper_ids)
        known = await self._catalogue.known(set(current.values()))
        return {asked: known[paper_id].details for asked, paper_id in current.items() if paper_id in known}

    async def fresh(self, after: dt.datetime, before: dt.datetime, since: dt.date | None = None) -> list[Fresh]:
        """Papers first indexed in (after, before], oldest first, without those withdrawn or removed since.

        With `since`, papers listed (or, if that is unknown, published) before that day are left out.
        """
        return await self._catalogue.fresh(after, before, since)

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The normalised mean of each paper's window vectors, by the ids given; papers without any are left out."""
        current = await self.current_ids(paper_ids)
        windows = await self._paper_cache.windows(set(current.values()))
        return {asked: middle(windows[paper_id]) for asked, paper_id in current.items() if paper_id in windows}

    async def source_state(self, source: str) -> SourceState | None:
        """The state of a source, by its name as a user writes it; None if it was never read."""
        return next(iter(await self._catalogue.source_states(source)), None)

    async def source_states(self) -> list[SourceState]:
        """The states of all sources that were ever read, by name."""
        return await self._catalogue.source_states()

    async def note_failure(self, source: str, sentence: str, when: dt.datetime) -> None:
        """Record why reading a source failed; cleared when it is next read to its end."""
        await self._catalogue.note_failure(source, sentence, when)

    async def sources(self) -> list[str]:
        """The names of the papers' sources, sorted; fast however many papers there are."""
        return await self._catalogue.sources()

    async def counts(self) -> Counts:
        """Count the papers, chunks and full texts."""
        return await self._catalogue.counts()

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


def lock_data_dir(data_dir: Path) -> FileLock:
    """Lock a data directory (created if missing); raises LibraryLockedError if another process holds it."""
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
