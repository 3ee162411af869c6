"""Chroma as in its tutorial: one vector per paper, default settings, no keyword search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chromadb

from bench.peers.model import Model
from bench.peers.protocol import QUERY_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text

ROWS = 2000  # per write; Chroma takes 5461 at most


class Peer:
    """One vector per paper, and nearest-neighbour search."""

    def __init__(self, folder: Path, cache: Path, parts: Parts) -> None:
        self._parts = parts
        self._model = Model(cache)
        self._papers = chromadb.PersistentClient(str(folder / "chroma")).create_collection(
            "papers", embedding_function=None
        )

    def ingest(self, texts: Sequence[Text]) -> None:
        """Embed whole papers; the model reads their first 256 pieces."""
        wholes = [text.whole for text in texts]
        vectors = self._model.encode(wholes)
        for start in range(0, len(texts), ROWS):
            part = slice(start, start + ROWS)
            self._papers.add([text.text_id for text in texts[part]], vectors[part], documents=wholes[part])

    def search(self, query: str, limit: int) -> list[str]:
        """Find the nearest papers."""
        with self._parts.part(QUERY_MODEL):
            vectors = self._model.encode([query])
        return self._papers.query(query_embeddings=vectors, n_results=limit)["ids"][0]

    def close(self) -> None:
        """Do nothing: Chroma writes at once."""
