"""The dense index: chunk vectors in Chroma, derived from the catalogue and safe to throw away.

Chroma is synchronous and its writes hold the interpreter lock (43 ms for 20 rows): callers run these methods
in a thread and pass small batches.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import chromadb
from chromadb.api.client import Client
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, InternalError, NotFoundError

from retrieval.chroma_server import ServerClient
from retrieval.errors import LibraryDamagedError, ServerAwayError
from retrieval.opening import throw_away, torn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import GetResult
    from numpy.typing import NDArray

    from retrieval.chroma_server import ChromaServer

T = TypeVar("T")

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

    A collection on a server is looked for when it is first needed, and again when it is there no more. Every method may
    raise ServerAwayError until the server answers.

    Attributes:
        expected: the stamp that the index should have.
        name: what Chroma calls the collection.
    """

    def __init__(self, client: Client | ServerClient, stamp: str, name: str) -> None:
        self._client = client
        self.expected = stamp
        self.name = name
        self._known: Collection | None = None
        self._folder: Path | None = None

    @classmethod
    def open(cls, *, folder: Path, server: ChromaServer | None, stamp: str, name: str = COLLECTION) -> DenseIndex:
        """Open a collection of the server, or of the embedded Chroma in `folder`, new if it is unreadable.

        A server that does not answer for now is no error. Raises ServerRefusedError where it will not have us,
        LibraryDamagedError where the folder cannot be written, BadInputError where the address is none.
        """
        if server is not None:
            client = ServerClient(server)
            with contextlib.suppress(ServerAwayError):
                client.find()
            return cls(client, stamp, name)
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
            settings = ChromaSettings(anonymized_telemetry=False)
            client = chromadb.PersistentClient(str(folder), settings=settings)
            assert isinstance(client, Client)  # its declared type cannot be closed
            dense = cls(client, stamp, COLLECTION)
            dense._known = dense._make()
            dense._folder = folder
        except BaseException:
            # Or Chroma would hand out the client that failed for every further try.
            SharedSystemClient.clear_system_cache()
            raise
        return dense

    @property
    def remote(self) -> bool:
        """Say whether a server holds the vectors, which may be away."""
        return isinstance(self._client, ServerClient)

    @property
    def stamp(self) -> str | None:
        """Return what the vectors were made with, as said when the collection was made."""
        return self._ask(lambda collection: (collection.metadata or {}).get("stamp"))

    def sibling(self, name: str) -> DenseIndex:
        """Return another collection of the same Chroma."""
        return DenseIndex(self._client, self.expected, name)

    def use(self, name: str) -> None:
        """Go over to another collection."""
        self.name = name
        self._known = None

    def drop(self, name: str) -> None:
        """Delete a collection that nobody searches any more."""
        with contextlib.suppress(NotFoundError):
            self._client.delete_collection(name)

    def reset(self) -> None:
        """Empty the index and stamp it anew."""
        self.drop(self.name)
        for left in self._folder.glob("*/") if self._folder else ():  # Chroma leaves the file of the vectors behind
            shutil.rmtree(left, ignore_errors=True)
        self._known = self._make()

    def _ask(self, question: Callable[[Collection], T], *, only_known: bool = False) -> T:
        """Ask the collection, and once more where it has been made anew meanwhile; it is made where it is not there.

        With `only_known` it is not: NotFoundError says then that it is gone.
        """
        find = self._find if only_known else self._make
        for last in (False, True):
            if self._known is None:
                self._known = find()
            try:
                return question(self._known)
            except NotFoundError:
                self._known = None
                if last:
                    raise
        raise AssertionError

    def _find(self) -> Collection:
        if isinstance(self._client, ServerClient):
            return self._client.get_collection(self.name)
        return self._client.get_collection(self.name, embedding_function=None)  # or Chroma downloads a model

    def _make(self) -> Collection:
        configuration: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}}
        metadata = {"stamp": self.expected}
        try:
            return self._find()
        except NotFoundError:
            if isinstance(self._client, ServerClient):
                return self._client.make_collection(self.name, configuration, metadata)
            return self._client.get_or_create_collection(
                self.name, configuration=configuration, metadata=metadata, embedding_function=None
            )

    def count(self) -> int:
        """Return how many chunks the index holds."""
        return self._ask(lambda collection: collection.count())

    def lacking(self, ids: Sequence[str]) -> list[str]:
        """Return those of the chunks whose vectors are not here; Chroma may know the id of one that it has lost."""
        lost: list[str] = []
        rows = min(READ_ROWS, self._most("most_records"))
        parts = [ids[start : start + rows] for start in range(0, len(ids), rows)]
        while parts:
            part = list(parts.pop())
            try:
                held = set(self._ask(partial(_vectors_of, part))["ids"])
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
        self._ask(lambda collection: collection.upsert(ids=list(ids), embeddings=vectors))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids not known are passed over."""
        self._ask(lambda collection: collection.delete(ids=list(ids)))

    def query(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine to `vector`, nearest first, as many as a server allows.

        Raises NotFoundError where the collection is gone: whoever only reads makes none.
        """
        most = min(limit, self._most("most_results"))
        found = self._ask(
            lambda known: known.query(query_embeddings=vector[None, :], n_results=most, include=["distances"]),
            only_known=True,
        )
        distances = found["distances"]
        assert distances is not None
        return [(chunk_id, 1.0 - distance) for chunk_id, distance in zip(found["ids"][0], distances[0], strict=True)]

    def close(self) -> None:
        """Release the files or the connection."""
        self._client.close()

    def _most(self, kind: Literal["most_results", "most_records"]) -> int:
        """Return what the server allows of a kind in one call."""
        limits = self._client
        return (getattr(limits, kind) if isinstance(limits, ServerClient) else None) or sys.maxsize


def _vectors_of(ids: list[str], collection: Collection) -> GetResult:
    return collection.get(ids=ids, include=["embeddings"])
