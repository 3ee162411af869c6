"""PaperCache: recently read papers, chunks and vectors, so that a search need not read the catalogue again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue.catalogue import Catalogue, StoredChunk
    from retrieval.papers import Paper

T = TypeVar("T")

# Bytes. A paper takes about 3 kB of window vectors, and 20 kB with contents: room for the vectors of 20,000 papers,
# and for the contents of the 5,000 or so that are found most.
WINDOWS = 64 << 20
CHUNKS = 96 << 20
PAPERS = 16 << 20


class PaperCache:
    """LRU caches in front of the catalogue; callers that change a paper must `forget` it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._windows: LRUCache[str, NDArray[np.float32]] = LRUCache(WINDOWS, getsizeof=lambda rows: rows.nbytes)
        self._chunks: LRUCache[str, list[StoredChunk]] = LRUCache(CHUNKS, getsizeof=_size_of_chunks)
        self._papers: LRUCache[str, Paper] = LRUCache(PAPERS, getsizeof=lambda paper: 2 * len(paper.abstract) + 500)
        self._changes = 0

    async def windows(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Window vectors by paper id, shape (windows, dimensions) each; papers without any are left out."""
        return await self._read(self._windows, paper_ids, self._read_windows)

    async def chunks(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        """The stored chunks with their contents, in order, by paper id."""
        return await self._read(self._chunks, paper_ids, self._catalogue.chunks_of)

    async def papers(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Papers by id; unknown ones are left out."""
        return await self._read(self._papers, paper_ids, self._catalogue.get)

    def forget(self, paper_ids: Iterable[str]) -> None:
        """Drop papers that have changed in the catalogue."""
        self._changes += 1
        for paper_id in paper_ids:
            for cache in (self._windows, self._chunks, self._papers):
                cache.pop(paper_id, None)

    def clear(self) -> None:
        """Drop every paper."""
        self._changes += 1
        for cache in (self._windows, self._chunks, self._papers):
            cache.clear()

    async def _read(
        self,
        cache: LRUCache[str, T],
        paper_ids: Iterable[str],
        ask: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
    ) -> dict[str, T]:
        wanted = list(paper_ids)
        found = {paper_id: known for paper_id in wanted if (known := cache.get(paper_id)) is not None}
        if missing := [paper_id for paper_id in wanted if paper_id not in found]:
            changes = self._changes
            read = await ask(missing)
            if changes == self._changes:  # otherwise the papers may have changed while they were read
                for paper_id, value in read.items():
                    if cache.getsizeof(value) <= cache.maxsize:
                        cache[paper_id] = value
            found |= read
        return found

    async def _read_windows(self, paper_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        rows: dict[str, list[bytes]] = {}
        for paper_id, vector in await self._catalogue.windows_of(paper_ids):
            rows.setdefault(paper_id, []).append(vector)
        return {
            paper_id: np.frombuffer(b"".join(vectors), np.float32).reshape(len(vectors), -1)
            for paper_id, vectors in rows.items()
        }


def _size_of_chunks(chunks: Sequence[StoredChunk]) -> int:
    return sum(chunk.vector.nbytes + chunk.contents.levels.nbytes + len(chunk.contents.words) + 500 for chunk in chunks)
