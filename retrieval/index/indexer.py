"""The indexer: brings the dense index in line with the catalogue, and records what changed in the change feed.

Only it writes vectors, in one process at a time; the lexical index and caches of each process follow the feed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np

from retrieval.batches import batched
from retrieval.catalogue.index_lease import LeaseLostError
from retrieval.errors import DatabaseAwayError, ServerAwayError
from retrieval.index.section_windows import embed_windows_with_contents
from retrieval.index.self_check import lacks_vectors, lost_vectors
from retrieval.index.stamp import is_outdated
from retrieval.index.vectors import WRITE_ROWS, VectorsError
from retrieval.index.window_embedder import embed_papers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from retrieval.catalogue.catalogue import Catalogue, PendingPaper
    from retrieval.catalogue.contents import Embedded
    from retrieval.catalogue.generations import LibraryState
    from retrieval.embedding import Embedder
    from retrieval.index.follower import Follower
    from retrieval.index.lexical import LexicalIndex
    from retrieval.index.vectors import DenseIndex
    from retrieval.papers import Chunk
    from retrieval.progress import Progress

log = logging.getLogger(__name__)

INDEX_BATCH = 32  # papers per commit: the most that a kill costs
KNOWN_BATCH = 256  # papers per commit if all are embedded already, and a kill costs little
PROBE = "Does the model answer?"
ASKED_FOR = "a rebuild was asked for"
OUTDATED = "an earlier version made the vectors of the server"
WORKERS_ASKED_EVERY = dt.timedelta(seconds=0.5)  # between looks whether embedding workers are done
WORKERS_PATIENCE = dt.timedelta(minutes=1)  # to wait for workers that have claimed all pending papers
GRACE = dt.timedelta(seconds=5)  # within which every process has switched to a new collection


class Indexer:
    """Indexes pending papers and drops leaving ones, one batch and one caller at a time.

    Attributes:
        fault: why the indexes are unusable and will be rebuilt by the next run; None if they are fine.
        unchecked: whether the check is still to do because the Chroma server was away.
        waiting: how many papers the current run has left; 0 if none is running.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        dense: DenseIndex,
        lexical: LexicalIndex,
        follower: Follower,
        embedder: Embedder,
        now: Callable[[], dt.datetime],
        *,
        shared: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._dense = dense
        self._target = dense
        self._lexical = lexical
        self._follower = follower
        self._shared = shared
        self._embedder = embedder
        self._now = now
        self._lock = asyncio.Lock()
        self._in_work: set[str] = set()  # papers whose vectors are being written, or were when a write failed
        self.fault: str | None = None
        self.unchecked = False
        self.waiting = 0

    async def run(self, progress: Progress | None = None) -> int:
        """Index every pending paper, after dropping the leaving ones; the number of papers.

        Full texts are embedded last, because search does not need them.
        """
        async with self._lock, self._counting():
            while True:
                try:
                    async with self._catalogue.indexing():
                        return await self._run(progress)
                except LeaseLostError:
                    log.warning("another process indexes since the database was away from this one, which waits")

    async def _run(self, progress: Progress | None) -> int:
        """Index everything, while holding the lease."""
        await self._make_ready(progress)
        total = self.waiting = await self._catalogue.pending_count()
        done = 0
        while True:
            leaving = await self._catalogue.leaving(INDEX_BATCH)
            if leaving:
                await _to_its_end(self._take_out(leaving))
            waiting = await self._batch()
            if waiting:
                waiting = await self._index_free(waiting)
            if not leaving and not waiting:
                break
            done += len(leaving) + len(waiting)
            self.waiting = max(total - done, 0)
            if progress:
                progress(done, max(total, done))
        if self._target is not self._dense:
            await self._switch()
        await self._embed_full_texts(done, total, progress)
        return done

    async def _make_ready(self, progress: Progress | None) -> None:
        """Choose the collection to write to, rebuild it if there is a fault, and bring the lexical index up to date."""
        if self._in_work:  # our write may have overwritten another process's newer one
            await self._catalogue.mark_pending(self._in_work)
            self._in_work.clear()
        if self._shared:
            await self._join()
            if self.fault not in {None, ASKED_FOR}:  # another process may have fixed it while this one waited
                self.fault = await self._find_fault()
        if self.fault == OUTDATED:
            await self._refill(progress)
        elif self.fault:
            await self._empty()
        await self._follower.catch_up()

    async def _batch(self) -> list[PendingPaper]:
        waiting = await self._catalogue.pending(KNOWN_BATCH, self._embedder.model)
        return waiting if all(paper.embedded for paper in waiting) else waiting[:INDEX_BATCH]

    @asynccontextmanager
    async def _counting(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self.waiting = 0

    async def _embed_full_texts(self, done: int, total: int, progress: Progress | None) -> None:
        texts, model = self._catalogue.full_texts, self._embedder.model
        while (waiting := await texts.waiting(model)) is not None:
            windows = await embed_windows_with_contents(waiting.title, waiting.full_text, self._embedder, waiting.known)
            await texts.store_windows(waiting, windows, model)
            done += 1
            if progress:
                progress(done, max(total, done))

    async def close(self) -> None:
        """Close the indexes after a running write."""
        async with self._lock:
            await asyncio.to_thread(self._lexical.close)
            await asyncio.to_thread(self._dense.close)

    async def check(self, *, rebuild: bool = False) -> None:
        """Check the indexes and set `fault`; `rebuild` always sets it.

        Papers that an index has lost become pending, without being embedded again; an index that has lost everything,
        or has another stamp, is a fault.
        """
        try:
            self.fault = ASKED_FOR if rebuild else await self._find_fault()
        except ServerAwayError as error:
            if isinstance(error, DatabaseAwayError):
                raise
            self.unchecked = True
            log.warning("%s Papers are found by their words alone until it does.", error)
            return
        self.unchecked = False
        if self.fault and not rebuild:
            log.warning("the indexes have to be made anew from the catalogue: %s", self.fault)

    async def follow(self) -> bool:
        """Apply other processes' changes, among them a new live collection; whether the change feed had any."""
        await self._go_live()
        return await self._follower.catch_up()

    async def _go_live(self) -> LibraryState:
        """Switch to the live collection; the library's state."""
        state = await self._catalogue.state(self._dense.expected)
        await self._follower.follow(state.library_id)
        if state.live != self._dense.name:
            await asyncio.to_thread(self._dense.use, state.live)
        return state

    async def _join(self) -> None:
        """Choose the collection to write to: one that a rebuild (even a dead one) is filling, else the live one."""
        state = await self._go_live()
        self._target = self._dense
        if state.filling is not None:
            self._target = await asyncio.to_thread(self._dense.sibling, state.collection(state.filling))

    async def _switch(self) -> None:
        """Make the filled collection the live one, and delete the old one once no process searches it."""
        before = self._dense.name
        await self._catalogue.switch_generation(self._dense.expected)
        await asyncio.to_thread(self._dense.use, self._target.name)
        self._target = self._dense
        await asyncio.sleep(GRACE.total_seconds())
        await asyncio.to_thread(self._dense.drop, before)

    async def _empty(self) -> None:
        """Empty both indexes and make every paper pending; a new model is tried first."""
        if not (self._dense.stamp or "").startswith(f"{self._embedder.model}/{self._embedder.dimensions}/"):
            await self._embedder.embed([PROBE])
        if self._shared:
            await asyncio.to_thread(self._dense.count)  # fails here if the server is away, before all are pending
            await self._catalogue.begin_generation()
            await self._join()
        else:
            await self._catalogue.mark_all_pending()
            await asyncio.to_thread(self._dense.reset)
        await self._follower.empty()
        self.fault = None

    async def _refill(self, progress: Progress | None) -> None:
        """Fill the next collection with the stored vectors of indexed papers, while the old one is still searched.

        If the process dies, the next one starts over, because the old collection is still the live one.
        """
        await asyncio.to_thread(self._dense.count)  # fail now if the server is away, not half-way
        await self._catalogue.begin_generation(anew=False)
        await self._join()
        log.info("the vectors of the server are filled anew, as an earlier version made them")
        ids = list(await self._catalogue.indexed())
        done = 0
        for batch in batched(ids, INDEX_BATCH):
            stored = await self._catalogue.chunks_of(batch)
            windows = [row for rows in stored.values() for row in rows]
            for rows in batched(windows, WRITE_ROWS):
                names = [f"{row.paper_id}#{row.position}" for row in rows]
                await asyncio.to_thread(self._target.upsert, names, np.stack([row.vector for row in rows]))
            await self._catalogue.note_windows(Counter(window.paper_id for window in windows))
            done += len(batch)
            if progress:
                progress(done, len(ids))
        self.fault = None

    async def _find_fault(self) -> str | None:
        if self._shared:
            state = await self._catalogue.state(self._dense.expected)
            outdated = is_outdated(state.stamp, self._dense.expected)
            await self.follow()
            if outdated:
                return OUTDATED
        if self._dense.stamp != self._dense.expected:
            return f"the dense index was made as {self._dense.stamp!r}, not as {self._dense.expected!r}"
        held = await self._catalogue.held()
        indexed: dict[str, int] | None = None  # of all papers; read only if something is missing
        try:
            if await asyncio.to_thread(lacks_vectors, held, self._dense):
                indexed = await self._catalogue.indexed()
                if lost := await asyncio.to_thread(lost_vectors, indexed, self._dense):
                    if len(lost) == len(indexed):
                        return "the dense index has lost every paper"
                    log.warning(
                        "the dense index lacks %d of %d papers, which are indexed again", len(lost), held.papers
                    )
                    await self._catalogue.mark_pending(lost)
        except VectorsError as error:
            return f"the dense index cannot be read ({str(error).splitlines()[0]})"
        await self._follower.catch_up()
        # Compare with the earlier count: papers that lack vectors are pending by now, which would hide missing words.
        if await asyncio.to_thread(self._lexical.count) < held.papers:
            unread = await asyncio.to_thread(self._lexical.lacking, indexed or await self._catalogue.indexed())
            log.warning("the lexical index lacks %d of %d papers, which are written again", len(unread), held.papers)
            await self._follower.mend(unread)
        return None

    async def _take_out(self, leaving: Mapping[str, int]) -> None:
        """Drop papers from the indexes; after a kill at any step they are still queued."""
        self._in_work = set(leaving)
        held = [f"{paper_id}#{position}" for paper_id, count in leaving.items() for position in range(count)]
        for batch in batched(held, WRITE_ROWS):
            await asyncio.to_thread(self._target.delete, batch)
        await self._catalogue.mark_left(list(leaving))
        self._in_work.clear()
        await self._follower.catch_up()
        log.info("%d papers have left the indexes", len(leaving))

    async def _index_free(self, batch: Sequence[PendingPaper]) -> list[PendingPaper]:
        """Index the papers that no worker has claimed, and return them; if workers have claimed all, wait for one.

        A worker on a suspended machine keeps its claims, so the wait ends after WORKERS_PATIENCE.
        """
        for _ in range(round(WORKERS_PATIENCE / WORKERS_ASKED_EVERY)):
            async with self._catalogue.claimed(batch, self._embedder.model) as mine:
                if mine:
                    await self._index(mine)
                    return mine
            await asyncio.sleep(WORKERS_ASKED_EVERY.total_seconds())
            batch = await self._batch()
            if not batch:
                return []
        await self._index(batch)
        return list(batch)

    async def _index(self, batch: Sequence[PendingPaper]) -> None:
        """Chunk, embed and write papers."""
        await _to_its_end(self._write(batch, await embed_papers(batch, self._embedder)))
        log.info("indexed %d papers", len(batch))

    async def _write(self, batch: Sequence[PendingPaper], windows: Sequence[tuple[Chunk, Embedded]]) -> None:
        """Write papers; after a kill at any step they are still pending, and nothing is duplicated."""
        await self._catalogue.store_chunks(windows, self._embedder.model)
        self._in_work = {waiting.paper.paper_id for waiting in batch}
        counts = Counter(part.paper_id for part, _ in windows)
        left_over = [
            f"{waiting.paper.paper_id}#{position}"
            for waiting in batch
            for position in range(counts[waiting.paper.paper_id], waiting.indexed_chunks)
        ]
        if left_over:
            await asyncio.to_thread(self._target.delete, left_over)
        for rows in batched(windows, WRITE_ROWS):
            names = [window.chunk_id for window, _ in rows]
            await asyncio.to_thread(self._target.upsert, names, np.stack([embedded.vector for _, embedded in rows]))
        await self._catalogue.mark_indexed(
            {w.paper.paper_id: (w.paper.content_hash, counts[w.paper.paper_id]) for w in batch}, self._now()
        )
        self._in_work.clear()
        await self._follower.catch_up()


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Finish the work even when cancelled: its threads would go on writing to an index that is then closed."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
