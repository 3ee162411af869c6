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
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from retrieval.errors import LibraryDamagedError, ServerAwayError
from retrieval.index_guard import throw_away, torn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
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
CONFIGURATION: Final = {"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}}


class VectorsError(Exception):
    """Say that Chroma could not do what was asked of it."""


class VectorsGoneError(VectorsError):
    """Say that the collection is not there."""


class VectorsLostError(VectorsError):
    """Say that Chroma failed within, as where it has lost the vector of an id that it knows."""


class Collection(Protocol):
    """Hold vectors under ids, in the words of Chroma's own collection."""

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Return what was said of it when it was made."""
        ...

    def count(self) -> int:
        """Return how many records there are."""
        ...

    def get(self, *, ids: list[str] | None, include: list[Any]) -> Any:  # noqa: ANN401  # a mapping of lists
        """Return those of some records that are here, or all."""
        ...

    def query(self, *, query_embeddings: Any, n_results: int, include: list[Any]) -> Any:  # noqa: ANN401  # likewise
        """Return the nearest records."""
        ...

    def upsert(self, *, ids: list[str], embeddings: Any) -> None:  # noqa: ANN401  # rows of floats
        """Write vectors under their ids."""
        ...

    def delete(self, *, ids: list[str]) -> object:
        """Remove records."""
        ...


class Client(Protocol):
    """Find and make collections, in a folder or on a server."""

    most_results: int | None
    most_records: int | None

    def find_collection(self, name: str) -> Collection | None:
        """Return a collection by its name, None where there is none."""
        ...

    def make_collection(self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]) -> Collection:
        """Return a collection by its name, made now."""
        ...

    def delete_collection(self, name: str) -> None:
        """Delete a collection; where there is none, that may be an error."""
        ...

    def close(self) -> None:
        """Release the files or the connection."""
        ...


class DenseIndex:
    """Find the chunks whose vectors are nearest to a query's.

    A collection on a server is looked for when it is first needed, and again when it is there no more. Every method may
    raise ServerAwayError until the server answers.

    Attributes:
        expected: the stamp that the index should have.
        name: what Chroma calls the collection.
    """

    def __init__(self, client: Client, stamp: str, name: str, *, folder: Path | None = None) -> None:
        self._client = client
        self.expected = stamp
        self.name = name
        self._known: Collection | None = None
        self._folder = folder

    @classmethod
    def open(cls, *, folder: Path, server: ChromaServer | None, stamp: str, name: str = COLLECTION) -> DenseIndex:
        """Open a collection of the server, or of the embedded Chroma in `folder`, new if it is unreadable.

        A server that does not answer for now is no error. Raises ServerRefusedError where it will not have us,
        LibraryDamagedError where the folder cannot be written, BadInputError where the address is none.
        """
        if server is not None:
            from retrieval.chroma_server import ServerClient  # and with it all of chromadb

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
        except (VectorsError, ValueError, OSError) as error:
            raise LibraryDamagedError(
                f"The dense index cannot be opened ({error}); make sure that {folder} can be written, or delete it: "
                "it is made anew from the catalogue."
            ) from error

    @classmethod
    def _embedded(cls, folder: Path, stamp: str) -> DenseIndex:
        from retrieval.embedded_chroma import EmbeddedClient

        with _told():
            dense = cls(EmbeddedClient(folder), stamp, COLLECTION, folder=folder)
            dense._known = dense._make()
        return dense

    @property
    def remote(self) -> bool:
        """Say whether a server holds the vectors, which may be away."""
        return self._folder is None

    @property
    def stamp(self) -> str | None:
        """Return what the vectors were made with, as said when the collection was made."""
        return self._ask(lambda collection: (collection.metadata or {}).get("stamp"))

    def sibling(self, name: str) -> DenseIndex:
        """Return another collection of the same Chroma."""
        return DenseIndex(self._client, self.expected, name, folder=self._folder)

    def use(self, name: str) -> None:
        """Go over to another collection."""
        self.name = name
        self._known = None

    def drop(self, name: str) -> None:
        """Delete a collection that nobody searches any more."""
        with contextlib.suppress(VectorsGoneError), _told():
            self._client.delete_collection(name)

    def reset(self) -> None:
        """Empty the index and stamp it anew."""
        self.drop(self.name)
        for left in self._folder.glob("*/") if self._folder else ():  # Chroma leaves the file of the vectors behind
            shutil.rmtree(left, ignore_errors=True)
        with _told():
            self._known = self._make()

    def _ask(self, question: Callable[[Collection], T], *, only_known: bool = False) -> T:
        """Ask the collection, and once more where it has been made anew meanwhile; it is made where it is not there.

        With `only_known` it is not: VectorsGoneError says then that it is gone.
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
            except VectorsLostError:  # which one of them is lost is not said
                if len(part) == 1:
                    lost += part
                else:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
            else:
                lost += [name for name in part if name not in held]
        return lost

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Write unit vectors under their chunk ids, at most `WRITE_ROWS` of them."""
        self._ask(lambda collection: collection.upsert(ids=list(ids), embeddings=vectors))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids not known are passed over."""
        self._ask(lambda collection: collection.delete(ids=list(ids)))

    def query(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine to `vector`, nearest first, as many as a server allows.

        Raises VectorsGoneError where the collection is gone: whoever only reads makes none.
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
        limit: int | None = getattr(self._client, kind)
        return limit or sys.maxsize


def _vectors_of(ids: list[str], collection: Collection) -> Any:  # noqa: ANN401  # a mapping of lists
    return collection.get(ids=ids, include=["embeddings"])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn Chroma's errors into ours; until there is one, nothing of its client is imported."""
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
