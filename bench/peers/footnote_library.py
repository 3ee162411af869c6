"""Footnote's library, through the interface that the bot uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.peers.model import Loop
from bench.peers.protocol import QUERY_MODEL
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text

# The steps of a search once the query is embedded: (part of the searcher, its method); "" is the searcher itself.
# The two of one name run side by side, the others in turn.
BOTH = "words (tantivy) and vectors (Chroma)"
STEPS = {
    ("", "_propose"): BOTH,
    ("_nearest", "find"): BOTH,
    ("_reranker", "measure"): "the best forty, by sentences and words",
    ("", "_make_hits"): "hits with passages",
}


class Peer:
    """Add papers as `footnote ingest` does, and search as `footnote search` does."""

    def __init__(self, folder: Path, cache: Path, parts: Parts) -> None:
        self._loop = Loop()
        self._parts = parts
        self._library = self._loop.run(self._open(folder, cache))

    async def _open(self, folder: Path, cache: Path) -> Library:
        embedder = LocalEmbedder(cache_dir=cache)
        await embedder.embed(["The first text pays for opening the model."])
        library = await Library.open(folder, embedder)
        searcher = library._searcher  # noqa: SLF001 - the parts of a search have no public name
        for (owner, method), part in STEPS.items():
            taker = getattr(searcher, owner) if owner else searcher
            setattr(taker, method, self._timed(getattr(taker, method), part))
        return library

    def _timed(self, method: Callable[..., object], part: str) -> Callable[..., object]:
        """Wrap a method, synchronous or not, so that it is timed as a part."""

        async def finish(result: Awaitable[object]) -> object:
            with self._parts.part(part):
                return await result

        def call(*arguments: object) -> object:
            with self._parts.part(part):
                result = method(*arguments)
            return finish(result) if hasattr(result, "__await__") else result

        return call

    def ingest(self, texts: Sequence[Text]) -> None:
        """Catalogue, chunk, embed and index."""
        self._loop.run(self._library.add([Paper(text.text_id, text.title, text.body, "bench") for text in texts]))

    def search(self, query: str, limit: int) -> list[str]:
        """Search as the bot does."""
        return self._loop.run(self._search(query, limit))

    async def _search(self, query: str, limit: int) -> list[str]:
        with self._parts.part(QUERY_MODEL):
            vectors = await self._library.embed(query)
        hits = await self._library.search(query, limit=limit, vectors=vectors)
        return [hit.paper.paper_id for hit in hits]

    def close(self) -> None:
        """Close the library."""
        self._loop.run(self._library.close())
