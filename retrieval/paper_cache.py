"""PaperCache: what the catalogue said of papers lately, kept at hand so that a search need not ask it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.catalogue import Catalogue, StoredChunk
    from retrieval.papers import Paper

T = TypeVar("T")

# Bytes. A paper takes about 3 kB of windows, and 20 kB with what they say: the windows of 20,000 papers, and the rest
# of some 5,000 that are found most.
WINDOWS = 64 << 20
CHUNKS = 96 << 20
PAPERS = 16 << 20


class PaperCache:
    """Read papers through caches that hold what was used last; whoever changes a paper has it forgotten."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._windows: LRUCache[str, NDArray[np.float32]] = LRUCache(WINDOWS, getsizeof=lambda rows: rows.nbytes)
        self._chunks: LRUCache[str, list[StoredChunk]] = LRUCache(CHUNKS, getsizeof=_size_of_chunks)
        self._papers: LRUCache[str, Paper] = LRUCache(PAPERS, getsizeof=lambda paper: 2 * len(paper.abstract) + 500)
        self._changes = 0

    async def windows(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of the papers' windows, one row each, by id; those without any are left out."""
        return await self._read(self._windows, paper_ids, self._read_windows)

    async def chunks(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        """Return the stored windows of the papers with what they say, by id, in order."""
        return await self._read(self._chunks, paper_ids, self._catalogue.chunks_of)

    async def papers(self, paper_ids: Iterable[str]) -> dict[str, Paper]:
        """Return the papers known among those asked for, by id."""
        return await self._read(self._papers, paper_ids, self._catalogue.get)

    def forget(self, paper_ids: Iterable[str]) -> None:
        """Drop papers, because they change in the catalogue."""
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
            if changes == self._changes:  # or what was read may be what was replaced meanwhile
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
