"""The library: catalogue, dense and lexical index behind one door; papers go in, ranked hits come out."""

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
from retrieval.indexer import Indexer, Progress
from retrieval.lexical import LexicalIndex
from retrieval.paper_cache import PaperCache
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
    from retrieval.query import QueryVectors
    from retrieval.resolver import Lookup
    from retrieval.sources.fetched import OnlineSource, Page
    from retrieval.spelling import Spelled

__all__ = ["Library", "Progress"]

log = logging.getLogger(__name__)

CATALOGUE = "footnote.db"  # in the data dir, where no database is named
ADD_BATCH = 500
MANY = 10  # one in so many papers that waits is worth a word
FOLLOWED_EVERY = 2.0  # seconds between two looks at what other processes changed


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
        """Take ownership of a data directory and check that its indexes hold what the catalogue says.

        Indexes that are damaged, gone or made by another model or chunker are a `fault` (with `rebuild`, any are), and
        papers that an index has lost wait, which the next `index_pending` mends, embedding nothing that is already in
        the catalogue; with a fault nothing is found before. `now` tells the time (in UTC) that papers arrive
        and sources are read at.
        With a database on a server and a Chroma server several processes share one library: what one takes in, the
        others find within some seconds. While the Chroma server is away papers are found by their words, and what
        arrives waits; that is made up for by itself.
        Raises LibraryLockedError where another process owns the directory, LibraryDamagedError where the catalogue
        cannot be read, DatabaseAwayError where its server does not answer and ServerRefusedError where a Chroma server
        will not have us.
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
        """Return why the indexes have to be made anew by `index_pending` before anything is searched, or None."""
        return self._indexer.fault

    @property
    def _unusable(self) -> bool:
        """Say whether the indexes may be of another model; where they are shared, others have seen to that."""
        return self.fault is not None and not self._shared

    @property
    def gaps(self) -> Gaps:
        """Return what searches pass over for now."""
        waiting = self._indexer.waiting
        many = waiting * MANY > self._lexical.count() + waiting
        return Gaps(vectors=self._searcher.away or self._indexer.unchecked, waiting=waiting if many else 0)

    async def close(self) -> None:
        """Close every part and let go of the data directory."""
        for task in filter(None, (self._following, self._mending)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._indexer.close()
        await self._catalogue.close()
        await self._embedder.close()
        self._lock.release()

    async def _follow(self) -> None:
        """Keep up with what other processes change, whatever fails meanwhile."""
        while True:
            await asyncio.sleep(FOLLOWED_EVERY)
            try:
                await self._indexer.follow()
                if self._mending is None or self._mending.done():
                    self._mending = asyncio.create_task(self._mend())
            except Exception as error:  # noqa: BLE001  # a server may be away for a while
                log.warning("not up to date with other processes: %s", type(error).__name__)

    async def _mend(self) -> None:
        """Make up for what a Chroma server that was away, or came back empty, could not do or lost."""
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
        """Catalogue papers and index what is new or changed; what is known as it is costs nothing.

        A paper that is known under any of its ids stays one paper, under the id that it had first.
        """
        waiting = iter(papers)
        added = Added()
        # Read in a thread, and no more at once: the papers may come from a file larger than memory.
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
                await self.index_pending(progress and _part(progress, before, page.share))
                if progress:
                    progress(round(100 * page.share), 100)
                before = page.share
                yield page, added

    async def ingest_page(self, page: Page, source: str) -> Added:
        """Catalogue a page's papers and keep the cursor after it, both or neither; they wait for `index_pending`.

        `source` is its `name`, as a user writes it.
        """
        added = await self._catalogue.ingest_page(page.papers, source, page.cursor, self._now())
        self._paper_cache.forget(added.touched)
        return added

    async def remove(self, paper_ids: Iterable[str]) -> list[str]:
        """Take papers out of catalogue and indexes until they are restored, and return the ids of those that were in.

        No source brings a removed paper in again. It can be put back as it was within UNDO.
        """
        current = await self.current_ids(paper_ids)
        gone = await self._catalogue.remove(sorted(set(current.values())), self._now())
        self._paper_cache.forget(gone)
        await self.index_pending()
        return gone

    async def restore(self, paper_ids: Iterable[str]) -> Restored:
        """Put removed papers back; those whose text is erased by now may only be brought in anew by a source."""
        current = await self.current_ids(paper_ids)
        restored = await self._catalogue.restore(sorted(set(current.values())))
        await self.index_pending()
        return restored

    async def removed(self) -> list[Removed]:
        """Return every paper that was taken out, the last one first."""
        return await self._catalogue.removed()

    async def only_from(self, source: str) -> list[str]:
        """Return the ids of the papers that no other source had."""
        return await self._catalogue.only_from(source)

    async def ids(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> list[str]:
        """Return the id of every paper, those published or added last first; with a day, of those that have one."""
        return await self._catalogue.ids(Scope(since, until, source))

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Chunk, embed and index every paper that waits for it; return how many there were.

        Withdrawn papers leave the indexes first. It may be cancelled: what is done by then stays done. Where a Chroma
        server that is shared does not answer they go on waiting, and the process that lives on indexes them.
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
        """Return up to `limit` papers for a query, best first, each with its passages and raw evidence.

        What the query names by title, id or link comes first, then the papers of an author whose full name it has.
        `since` and `until` keep papers published from one day to another, both included (those without a date are left
        out), `source` those of one source. `vectors` are what `embed` made of the query, where that is known already.
        """
        if not query.strip() or self._unusable:
            return []
        return await self._searcher.search(query, limit, Scope(since, until, source), vectors)

    async def evidence(self, query: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Weigh some papers for a query as `search` does; return the best, best first, by the ids asked for.

        Some forty are compared word by word; those below are no match for anything, and left out as unknown ones are.
        """
        current = await self.current_ids(paper_ids)
        asked = {paper_id: known_as for known_as, paper_id in current.items()}
        found = await self._searcher.evidence(query, asked) if query.strip() else {}
        return {asked[paper_id]: record for paper_id, record in found.items()}

    async def embed(self, query: str) -> QueryVectors:
        """Read a query by the embedding model; raises EmbeddingError where a remote one cannot be asked."""
        return await self._searcher.embed(query)

    async def spelled(self, text: str) -> Spelled:
        """Read words that nobody knows as the nearest that a paper here has; for English."""
        return await correct(text, self._lexical, self._embedder, self._paper_cache)

    async def hits_for(self, query: str, paper_ids: Sequence[str], vectors: QueryVectors) -> list[Hit]:
        """Return these papers as hits of a query, best first, however far down a search would have them."""
        return await self._searcher.hits_for(query, paper_ids, vectors) if paper_ids else []

    async def agreement(self, query: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Agreement]:
        """Say, for each hit, how far its title and each of its sentences agree with each word of the query."""
        return await self._searcher.agreement(query, vectors, hits)

    async def full_text_passages(self, query: str, vectors: QueryVectors, hits: Sequence[Hit]) -> list[Hit]:
        """Return the parts of these papers' full texts that are nearest to a query, as hits; none where none is known.

        The papers' own hits say nothing of them: search ranks by titles and abstracts.
        """
        return await self._full_texts.passages(query, vectors, hits)

    async def prepare_document(self, paper: Paper, full_text: FullText) -> Document:
        """Return a full text that can be looked into without being taken in."""
        return await self._full_texts.prepare(paper, full_text)

    async def document_passages(
        self, document: Document, query: str, vectors: QueryVectors, *, lead_only: bool = False
    ) -> list[Hit]:
        """Return the parts of a document that are nearest to a query, as hits; `lead_only` asks its abstract alone."""
        return await self._full_texts.passages_of(document, query, vectors, lead_only=lead_only)

    async def full_text(self, paper_id: str) -> FullText | None:
        """Return the text of a paper beside its abstract, by any of its ids; None where it is not known."""
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._catalogue.full_texts.of([current])).get(current) if current else None

    async def add_full_text(self, paper_id: str, full_text: FullText) -> bool:
        """Keep and read the text of a paper beside its abstract; False where the paper does not stand (any more)."""
        stored = await self._catalogue.full_texts.put(paper_id, full_text)
        if stored:
            await self.index_pending()
        return stored

    @property
    def full_texts(self) -> FullTexts:
        """Return what is kept of full texts, and of attempts to get them."""
        return self._catalogue.full_texts

    async def lookup(self, text: str) -> Lookup:
        """Find the papers that a text names by an id or a link, and which of those are not here."""
        return await look_up(text, self._catalogue, self._lexical)

    async def by_author(self, name: str, *, limit: int = 10) -> Works:
        """Find up to `limit` papers of an author, the newest first; the name may be a surname, or have a slip."""
        return await find_works(name, limit, self._catalogue, self._lexical)

    async def authors_in(self, text: str) -> tuple[NamedAuthor, ...]:
        """Find the names in a text that authors of the library have."""
        return await asyncio.to_thread(find_named_authors, text, self._lexical)

    async def newest(
        self,
        *,
        limit: int = 10,
        since: dt.date | None = None,
        until: dt.date | None = None,
        source: str | None = None,
    ) -> list[Paper]:
        """Return up to `limit` papers, those published last first; those without a date are left out."""
        return await self._catalogue.newest(limit, Scope(since, until, source))

    async def count(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> Count:
        """Count the papers published from one day to another, and those that have no date and so are left out."""
        return await self._catalogue.count(Scope(since, until, source))

    async def similar(self, paper_id: str, *, limit: int = 10) -> list[Hit]:
        """Return up to `limit` other papers, those with windows nearest to this one's first; none if it is unknown."""
        paper = await self.get(paper_id)
        return await self._searcher.similar(paper, limit) if paper and not self._unusable else []

    @property
    def titles(self) -> Titles:
        """Return what finds papers by their titles."""
        return self._titles

    async def of_key(self, key: str) -> str | None:
        """Return the id of the paper that `short_key` made a hash of, None where none here has it."""
        return await asyncio.to_thread(self._lexical.of_key, key)

    async def get(self, paper_id: str) -> Paper | None:
        """Return a paper by any of its ids, or None; also one that is withdrawn, and is found no more."""
        if paper := (await self._paper_cache.papers([paper_id])).get(paper_id):
            return paper
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._paper_cache.papers([current])).get(current) if current else None

    async def find(self, text: str) -> Paper | None:
        """Return the one paper that a text names, by an id or a link in whatever spelling; None if it names several."""
        paper_id = await self.id_of(text)
        return await self.get(paper_id) if paper_id else None

    async def id_of(self, text: str) -> str | None:
        """Return the id of the one paper that a text names, as `find` does, also where it was removed."""
        name = text.strip()
        if current := (await self.current_ids([name])).get(name):
            return current
        named = set((await resolve(find_references(text), self._catalogue, self._lexical)).values())
        return named.pop() if len(named) == 1 else None

    async def known(self, paper_id: str) -> Known | None:
        """Return all that is known of a paper, its sources too, by any of its ids; None if it is not here."""
        current = (await self.current_ids([paper_id])).get(paper_id)
        return (await self._catalogue.known([current])).get(current) if current else None

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

    async def fresh(self, after: dt.datetime, before: dt.datetime, since: dt.date | None = None) -> list[Fresh]:
        """Return what could first be found after a moment and until another, and stands, the oldest first.

        With `since`, what was listed, or else published, before that day is left out.
        """
        return await self._catalogue.fresh(after, before, since)

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the unit mean of each paper's window vectors, by the ids asked for; those without any are left out."""
        current = await self.current_ids(paper_ids)
        windows = await self._paper_cache.windows(set(current.values()))
        return {asked: middle(windows[paper_id]) for asked, paper_id in current.items() if paper_id in windows}

    async def source_state(self, source: str) -> SourceState | None:
        """Return how it stands with a source, by its name as a user writes it; None if it was never read."""
        return next(iter(await self._catalogue.source_states(source)), None)

    async def source_states(self) -> list[SourceState]:
        """Return how it stands with every source that was ever read, in the order of their names."""
        return await self._catalogue.source_states()

    async def note_failure(self, source: str, sentence: str, when: dt.datetime) -> None:
        """Keep what is wrong with a source, until it is next read to its end."""
        await self._catalogue.note_failure(source, sentence, when)

    async def sources(self) -> list[str]:
        """Return the names of the sources that papers came from, in order; quick, however many papers there are."""
        return await self._catalogue.sources()

    async def counts(self) -> Counts:
        """Return how much the library holds."""
        return await self._catalogue.counts()

    @property
    def embedder(self) -> Embedder:
        """Return the embedding model, whose name calibrated numbers belong to."""
        return self._embedder


def _batch(waiting: Iterator[Paper | Fetched]) -> list[Paper | Fetched]:
    """Return the next papers, up to one whose full text took seconds to read, which a kill must not cost again."""
    batch: list[Paper | Fetched] = []
    for paper in islice(waiting, ADD_BATCH):
        batch.append(paper)
        if isinstance(paper, Fetched) and paper.full_text is not None:
            break
    return batch


def _part(progress: Progress, before: float, after: float) -> Progress:
    """Return what moves a bar of a hundred from one share of the whole to another."""
    return lambda done, total: progress(round(100 * (before + (after - before) * done / total)), 100)


def lock_data_dir(data_dir: Path) -> FileLock:
    """Lock a data directory, which is made if need be; raises LibraryLockedError where another process owns it."""
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
