"""The parts of a library: opened in their order, the indexes checked against the catalogue, and closed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.catalogue.catalogue import Catalogue
from retrieval.catalogue.paper_cache import PaperCache
from retrieval.data_dir import CATALOGUE, CHROMA, GUARD, LEXICAL, lock_data_dir
from retrieval.index.follower import Follower
from retrieval.index.index_guard import throw_away, watched
from retrieval.index.indexer import Indexer
from retrieval.index.lexical import LexicalIndex
from retrieval.index.stamp import stamp_of
from retrieval.index.vectors import COLLECTION, DenseIndex

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from filelock import FileLock

    from retrieval.embedding import Embedder
    from retrieval.index.chroma_server import ChromaServer


@dataclass(frozen=True, slots=True)
class LibraryParts:
    """What a library consists of; `shared` says whether other processes have it open too."""

    lock: FileLock
    catalogue: Catalogue
    paper_cache: PaperCache
    dense: DenseIndex
    lexical: LexicalIndex
    indexer: Indexer
    embedder: Embedder
    now: Callable[[], dt.datetime]
    shared: bool

    async def close(self) -> None:
        """Close everything and unlock the data directory."""
        await self.indexer.close()
        await self.catalogue.close()
        await self.embedder.close()
        self.lock.release()


async def open_parts(
    data_dir: Path,
    embedder: Embedder,
    *,
    database_url: str | None,
    chroma: ChromaServer | None,
    rebuild: bool,
    now: Callable[[], dt.datetime],
) -> LibraryParts:
    """Open every part, as `Library.open` says; if one fails, those before it are closed."""
    shared = chroma is not None
    async with AsyncExitStack() as opened:
        lock = lock_data_dir(data_dir)
        opened.callback(lock.release)
        catalogue = await Catalogue.open(database_url or data_dir / CATALOGUE)
        opened.push_async_callback(catalogue.close)
        stamp = stamp_of(embedder)
        folder = data_dir / CHROMA
        state = await catalogue.state(stamp)
        name = state.live if shared else COLLECTION
        with nullcontext() if shared else watched(folder, data_dir / GUARD):
            if rebuild and not shared:
                await asyncio.to_thread(throw_away, folder)
            dense = await asyncio.to_thread(
                lambda: DenseIndex.open(folder=folder, server=chroma, stamp=stamp, name=name)
            )
            opened.push_async_callback(asyncio.to_thread, dense.close)
            lexical = await asyncio.to_thread(LexicalIndex, data_dir / LEXICAL, stamp)
            opened.push_async_callback(asyncio.to_thread, lexical.close)
            paper_cache = PaperCache(catalogue)
            follower = Follower(catalogue, paper_cache, lexical, data_dir / LEXICAL, state.library_id)
            indexer = Indexer(catalogue, dense, lexical, follower, embedder, now, shared=shared)
            await indexer.check(rebuild=rebuild)
        opened.pop_all()
    return LibraryParts(lock, catalogue, paper_cache, dense, lexical, indexer, embedder, now, shared)
