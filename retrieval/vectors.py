"""The dense index: chunk vectors in Chroma, derived from the catalogue and safe to throw away.

Chroma is synchronous and its writes hold the interpreter lock (43 ms for 20 rows): callers run these methods
in a thread and pass small batches.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import chromadb
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, InternalError, NotFoundError

from retrieval.errors import BadInputError, LibraryDamagedError
from retrieval.opening import throw_away, torn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

COLLECTION = "footnote"  # in a folder of its own; on a server the database names it
# Rows a write: about 40 ms of held interpreter lock, well inside a Discord heartbeat.
WRITE_ROWS = 20
READ_ROWS = 500
# The default of 100 finds 93 % of the true ten nearest among 100,000 vectors, 400 finds 99 %; it must be set
# when the collection is made.
EF_SEARCH = 400


class DenseIndex:
    """Find the chunks whose vectors are nearest to a query's.

    Attributes:
        expected: the stamp that the index should have.
    """

    def __init__(self, client: ClientAPI, stamp: str, name: str) -> None:
        self._client = client
        self.expected = stamp
        self._collection = self._get(name)

    @classmethod
    def open(cls, *, folder: Path, url: str | None, stamp: str, name: str = COLLECTION) -> DenseIndex:
        """Open a collection of the server at `url`, or of the embedded Chroma in `folder`, new if it is unreadable.

        Raises LibraryDamagedError where the server cannot be used or the folder not be written, BadInputError where
        the address is none.
        """
        if url is not None:
            return cls._connect(url, stamp, name)
        if torn(folder):
            log.warning("the dense index is thrown away, because a file of its vectors is cut short")
            throw_away(folder)
        try:
            return cls._embedded(folder, stamp)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with derived files, new ones mend it
            log.warning("the dense index is thrown away, because it cannot be opened: %s", error)
            throw_away(folder)
        try:
            return cls._embedded(folder, stamp)
        except (ChromaError, ValueError, OSError) as error:
            raise LibraryDamagedError(
                f"The dense index cannot be opened ({error}); make sure that {folder} can be written, or delete it: "
                "it is made anew from the catalogue."
            ) from error

    @classmethod
    def _embedded(cls, folder: Path, stamp: str) -> DenseIndex:
        try:
            return cls(chromadb.PersistentClient(str(folder), settings=_settings()), stamp, COLLECTION)
        except BaseException:
            # Or Chroma would hand out the client that failed for every further try.
            SharedSystemClient.clear_system_cache()
            raise

    @classmethod
    def _connect(cls, url: str, stamp: str, name: str) -> DenseIndex:
        host, port, ssl = _address(url)
        try:
            return cls(chromadb.HttpClient(host, port, ssl=ssl, settings=_settings()), stamp, name)
        except (ChromaError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".?! ")
            raise LibraryDamagedError(
                f"The Chroma server at {host}:{port} cannot be used ({reason}); start it, or mend FOOTNOTE_CHROMA__URL."
            ) from error

    @property
    def stamp(self) -> str | None:
        """Return what the vectors were made with, as said when the collection was made."""
        return (self._collection.metadata or {}).get("stamp")

    @property
    def name(self) -> str:
        """Return what Chroma calls the collection."""
        return self._collection.name

    def sibling(self, name: str) -> DenseIndex:
        """Return another collection of the same Chroma, made where it is not there."""
        return DenseIndex(self._client, self.expected, name)

    def use(self, name: str) -> None:
        """Go over to another collection, made where it is not there."""
        self._collection = self._get(name)

    def drop(self, name: str) -> None:
        """Delete a collection that nobody searches any more."""
        with contextlib.suppress(NotFoundError):
            self._client.delete_collection(name)

    def reset(self) -> None:
        """Empty the index and stamp it anew."""
        name = self._collection.name
        self.drop(name)
        self._collection = self._get(name)

    def _get(self, name: str) -> Collection:
        try:
            return self._client.get_collection(name, embedding_function=None)
        except NotFoundError:
            configuration: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}}
            return self._client.get_or_create_collection(
                name,
                configuration=configuration,
                metadata={"stamp": self.expected},
                embedding_function=None,  # or Chroma downloads a model of its own
            )

    def count(self) -> int:
        """Return how many chunks the index holds."""
        return self._collection.count()

    def lacking(self, ids: Sequence[str]) -> list[str]:
        """Return those of the chunks whose vectors are not here; Chroma may know the id of one that it has lost."""
        lost: list[str] = []
        parts = [ids[start : start + READ_ROWS] for start in range(0, len(ids), READ_ROWS)]
        while parts:
            part = parts.pop()
            try:
                held = set(self._collection.get(ids=list(part), include=["embeddings"])["ids"])
            except InternalError:  # which one of them is lost is not said
                if len(part) == 1:
                    lost += part
                else:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
            else:
                lost += [each for each in part if each not in held]
        return lost

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


def _settings() -> ChromaSettings:
    return ChromaSettings(anonymized_telemetry=False)


def _address(url: str) -> tuple[str, int, bool]:
    with contextlib.suppress(ValueError):  # of a port that is none
        parts = urlsplit(url)
        ssl = parts.scheme == "https"
        if parts.scheme in {"http", "https"} and parts.hostname:
            return parts.hostname, parts.port or (443 if ssl else 8000), ssl
    raise BadInputError("FOOTNOTE_CHROMA__URL is no address of a Chroma server; write it like http://host:8000.")
