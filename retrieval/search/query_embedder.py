"""The query embedder: turns queries into vectors, and remembers the recent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

from retrieval.embedding import WordEmbedder
from retrieval.search.query import QueryVectors

if TYPE_CHECKING:
    from retrieval.embedding import Embedder

REMEMBERED: Final = 64  # queries, some 50 kB each


class QueryEmbedder:
    """Embeds queries with the model of the library.

    One chat message is embedded up to three times: to decide whether it is for the bot, to answer it, and as the
    history of the next question.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._recent: LRUCache[str, QueryVectors] = LRUCache(REMEMBERED)

    async def embed(self, text: str) -> QueryVectors:
        """Embed a query, unless it is a recent one."""
        vectors = self._recent.get(text)
        if vectors is None:
            vectors = self._recent[text] = await self._embed(text)
        return vectors

    async def _embed(self, text: str) -> QueryVectors:
        if isinstance(self._embedder, WordEmbedder):
            vectors, (words,) = await self._embedder.embed_words([text])
            return QueryVectors(vectors[0], words)
        return QueryVectors((await self._embedder.embed([text]))[0], None)
