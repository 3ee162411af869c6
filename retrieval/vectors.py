"""The dense index: chunk vectors in Chroma, derived from the catalogue and safe to throw away.

Chroma is synchronous and its writes hold the interpreter lock (43 ms for 20 rows): callers run these methods
in a thread and pass small batches.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import chromadb
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from retrieval.errors import LibraryDamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from numpy.typing import NDArray

COLLECTION = "footnote"
# Rows a write: about 40 ms of held interpreter lock, well inside a Discord heartbeat.
WRITE_ROWS = 20
# The default of 100 finds 93 % of the true ten nearest among 100,000 vectors, 400 finds 99 %; it must be set
# when the collection is made.
EF_SEARCH = 400


class DenseIndex:
    """Find the chunks whose vectors are nearest to a query's."""

    def __init__(self, client: ClientAPI, stamp: str) -> None:
        self._client = client
        self._stamp = stamp
        try:
            self._collection = client.get_collection(COLLECTION, embedding_function=None)
        except NotFoundError:
            self.reset()

    @classmethod
    def open(cls, *, folder: Path, url: str | None, stamp: str) -> DenseIndex:
        """Open the embedded index in `folder`, or the server's at `url`.

        Raises LibraryDamagedError where neither can be opened.
        """
        settings = ChromaSettings(anonymized_telemetry=False)
        try:
            if url is None:
                return cls(chromadb.PersistentClient(str(folder), settings=settings), stamp)
            host, port, ssl = _address(url)
            return cls(chromadb.HttpClient(host, port, ssl=ssl, settings=settings), stamp)
        except (ChromaError, ValueError, OSError) as error:
            where = url or folder
            raise LibraryDamagedError(f"Chroma at {where} cannot be opened: {error}") from error

    @property
    def stamp(self) -> str | None:
        """Return what the vectors were made with, as said when the collection was made."""
        return (self._collection.metadata or {}).get("stamp")

    def reset(self) -> None:
        """Empty the index and stamp it anew."""
        with contextlib.suppress(NotFoundError):
            self._client.delete_collection(COLLECTION)
        configuration: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}}
        self._collection = self._client.create_collection(
            COLLECTION,
            configuration=configuration,
            metadata={"stamp": self._stamp},
            embedding_function=None,  # or Chroma downloads a model of its own
        )

    def count(self) -> int:
        """Return how many chunks the index holds."""
        return self._collection.count()

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write unit vectors under their chunk ids, at most `WRITE_ROWS` of them."""
        self._collection.upsert(ids=list(ids), embeddings=vectors)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids not known are passed over."""
        self._collection.delete(ids=list(ids))

    def query(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine to `vector`, nearest first."""
        found = self._collection.query(query_embeddings=vector[None, :], n_results=limit, include=["distances"])
        distances = found["distances"]
        assert distances is not None
        return [(chunk_id, 1.0 - distance) for chunk_id, distance in zip(found["ids"][0], distances[0], strict=True)]

    def close(self) -> None:
        """Release the files or the connection."""
        self._client.close()  # type: ignore[attr-defined]  # in every client, but not in its declared type


def _address(url: str) -> tuple[str, int, bool]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("FOOTNOTE_CHROMA__URL must look like http://host:8000")
    ssl = parts.scheme == "https"
    return parts.hostname, parts.port or (443 if ssl else 8000), ssl
