"""The dense index: chunk vectors in Chroma, derived from the catalogue and safe to delete.

Chroma is synchronous, and its writes hold the GIL (43 ms for 20 rows): call these methods in a thread, with small
batches.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from retrieval.batches import batched
from retrieval.errors import LibraryDamagedError, ServerAwayError
from retrieval.index.index_guard import throw_away, torn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.index.chroma_server import ChromaServer

T = TypeVar("T")

log = logging.getLogger(__name__)

COLLECTION = "footnote"  # of the embedded Chroma; on a server the database names it
# Rows per write: these hold the GIL for about 40 ms, well within a Discord heartbeat.
WRITE_ROWS = 20
READ_ROWS = 500
# Among 100,000 vectors the default of 100 finds 93 % of the ten nearest, 400 finds 99 %; it can only be set when the
# collection is created.
EF_SEARCH = 400
CONFIGURATION: Final = {"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}}


class VectorsError(Exception):
    """A Chroma call failed."""


class VectorsGoneError(VectorsError):
    """The collection does not exist."""


class VectorsLostError(VectorsError):
    """An internal error of Chroma, for example when it has lost the vector of a known id."""


class Collection(Protocol):
    """The part of Chroma's Collection that is used here."""

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """The metadata given when it was created."""
        ...

    def count(self) -> int:
        """Count the records."""
        ...

    def get(self, *, ids: list[str] | None, include: list[Any]) -> Any:  # noqa: ANN401  # a mapping of lists
        """Get records by id, or all; missing ids are left out."""
        ...

    def query(self, *, query_embeddings: Any, n_results: int, include: list[Any]) -> Any:  # noqa: ANN401  # likewise
        """Find the nearest records."""
        ...

    def upsert(self, *, ids: list[str], embeddings: Any) -> None:  # noqa: ANN401  # rows of floats
        """Write vectors by id."""
        ...

    def delete(self, *, ids: list[str]) -> object:
        """Delete records."""
        ...


class Client(Protocol):
    """A Chroma client, embedded or of a server.

    Attributes:
        most_results: the server's limit of results per query; None for no limit.
        most_records: the server's limit of records per read; None for no limit.
    """

    most_results: int | None
    most_records: int | None

    def find_collection(self, name: str) -> Collection | None:
        """A collection by name; None if it does not exist."""
        ...

    def make_collection(self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]) -> Collection:
        """Create a collection."""
        ...

    def delete_collection(self, name: str) -> None:
        """Delete a collection; may raise if it does not exist."""
        ...

    def close(self) -> None:
        """Release the files or the connection."""
        ...


class DenseIndex:
    """Nearest-neighbour search over the chunks' vectors.

    A server's collection is looked up on first use, and again when it has disappeared. Every method may raise
    ServerAwayError while the server does not answer.

    Attributes:
        expected: the stamp that the index should have.
        name: Chroma's name of the collection.
    """

    def __init__(self, client: Client, stamp: str, name: str, *, folder: Path | None = None) -> None:
        self._client = client
        self.expected = stamp
        self.name = name
        self._known: Collection | None = None
        self._folder = folder

    @classmethod
    def open(cls, *, folder: Path, server: ChromaServer | None, stamp: str, name: str = COLLECTION) -> DenseIndex:
        """Open a collection on the server, or the embedded Chroma in `folder`, which is recreated if unreadable.

        A server that is away is no error. Raises ServerRefusedError if it refuses the connection, LibraryDamagedError
        if the folder cannot be written, and BadInputError if the address is invalid.
        """
        if server is not None:
            from retrieval.index.chroma_server import ServerClient  # this loads all of chromadb

            client = ServerClient(server)
            with contextlib.suppress(ServerAwayError):
                client.find()
            return cls(client, stamp, name)
        if torn(folder):
            log.warning("the dense index is thrown away, because a file of its vectors is cut short")
            throw_away(folder)
        try:
            return cls._embedded(folder, stamp)
        except Exception as error:  # noqa: BLE001  # derived files, so whatever is wrong, new ones fix it
            log.warning("the dense index is thrown away, because it cannot be opened: %s", error)
            throw_away(folder)
        try:
            return cls._embedded(folder, stamp)
        except (VectorsError, ValueError, OSError) as error:
            raise LibraryDamagedError(
                f"The dense index cannot be opened ({error}); make sure that {folder} can be written, or delete it: "
                "it is made anew from the catalogue."
            ) from error

    @classmethod
    def _embedded(cls, folder: Path, stamp: str) -> DenseIndex:
        from retrieval.index.embedded_chroma import EmbeddedClient

        with _told():
            dense = cls(EmbeddedClient(folder), stamp, COLLECTION, folder=folder)
            dense._known = dense._make()
        return dense

    @property
    def remote(self) -> bool:
        """Whether the vectors are on a server."""
        return self._folder is None

    @property
    def stamp(self) -> str | None:
        """The stamp stored with the collection."""
        return self._ask(lambda collection: (collection.metadata or {}).get("stamp"))

    def sibling(self, name: str) -> DenseIndex:
        """Another collection of the same Chroma."""
        return DenseIndex(self._client, self.expected, name, folder=self._folder)

    def use(self, name: str) -> None:
        """Switch to another collection."""
        self.name = name
        self._known = None

    def drop(self, name: str) -> None:
        """Delete a collection that is no longer searched."""
        with contextlib.suppress(VectorsGoneError), _told():
            self._client.delete_collection(name)

    def reset(self) -> None:
        """Empty the index and give it the expected stamp."""
        self.drop(self.name)
        for left in self._folder.glob("*/") if self._folder else ():  # Chroma leaves the file of the vectors behind
            shutil.rmtree(left, ignore_errors=True)
        with _told():
            self._known = self._make()

    def _ask(self, question: Callable[[Collection], T], *, only_known: bool = False) -> T:
        """Call the collection, creating it if needed; tries once more if it was recreated meanwhile.

        With `only_known` it is never created, and a missing one raises VectorsGoneError.
        """
        find = self._find if only_known else self._make
        for last in (False, True):
            try:
                with _told():
                    if self._known is None:
                        self._known = find()
                    return question(self._known)
            except VectorsGoneError:
                gone = self._known is None
                self._known = None
                if last or gone:
                    raise
        raise AssertionError

    def _find(self) -> Collection:
        found = self._client.find_collection(self.name)
        if found is None:
            raise VectorsGoneError(f"Collection [{self.name}] does not exist")
        return found

    def _make(self) -> Collection:
        found = self._client.find_collection(self.name)
        return found or self._client.make_collection(self.name, CONFIGURATION, {"stamp": self.expected})

    def count(self) -> int:
        """Count the chunks."""
        return self._ask(lambda collection: collection.count())

    def lacking(self, ids: Sequence[str]) -> list[str]:
        """The given chunks whose vectors are missing; Chroma may still list the id of a lost vector."""
        lost: list[str] = []
        rows = min(READ_ROWS, self._most("most_records"))
        parts = list(batched(ids, rows))
        while parts:
            part = list(parts.pop())
            try:
                held = set(self._ask(partial(_vectors_of, part))["ids"])
            except VectorsLostError:  # the error does not say which one
                if len(part) == 1:
                    lost += part
                else:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
            else:
                lost += [name for name in part if name not in held]
        return lost

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write unit vectors by chunk id, at most `WRITE_ROWS` at a time."""
        self._ask(lambda collection: collection.upsert(ids=list(ids), embeddings=vectors))

    def delete(self, ids: Sequence[str]) -> None:
        """Delete chunks; unknown ids are ignored."""
        self._ask(lambda collection: collection.delete(ids=list(ids)))

    def query(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """(chunk id, cosine to `vector`) of up to `limit` chunks, nearest first; a server may cap the number.

        Raises VectorsGoneError if the collection does not exist: reads do not create it.
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
        """A per-call limit of the client."""
        limit: int | None = getattr(self._client, kind)
        return limit or sys.maxsize


def _vectors_of(ids: list[str], collection: Collection) -> Any:  # noqa: ANN401  # a mapping of lists
    return collection.get(ids=ids, include=["embeddings"])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Convert Chroma's errors to ours; chromadb is imported only when one occurs."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("chromadb."):
            raise
        from chromadb.errors import ChromaError, InternalError, NotFoundError

        match error:
            case NotFoundError():
                raise VectorsGoneError(str(error)) from error
            case InternalError():
                raise VectorsLostError(str(error)) from error
            case ChromaError():
                raise VectorsError(str(error)) from error
        raise
