"""The Chroma that is embedded in this process: its engine alone, without the Python of its client around it.

`import chromadb` takes longer than all else that a search needs, and some 35 MB, for servers, telemetry and embedding
functions that a folder of vectors has no use for. What the client does to a folder is done here by the same calls; the
version of chromadb is pinned, since they are its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import chromadb_rust_bindings as engine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

DATABASE: Final = ("default_tenant", "default_database")  # of every folder that Chroma makes
OPEN_AT_ONCE: Final = 8  # indexes of vectors; there is one, and for a moment another
# The rest of what the client writes into a collection that embeds nothing.
DEFAULTS: Final = {"spann": None, "embedding_function": {"type": "legacy"}}


class EmbeddedClient:
    """Open collections in a folder; errors are those of `chromadb.errors`, which are imported when one is raised.

    Attributes:
        most_results: how many results a query may ask for; None, as there is no limit.
        most_records: how many records a call may name; None likewise.
    """

    most_results: int | None = None
    most_records: int | None = None

    def __init__(self, folder: Path) -> None:
        database = engine.SqliteDBConfig(
            hash_type=engine.MigrationHash.MD5,
            migration_mode=engine.MigrationMode.Apply,
            url=str(folder / "chroma.sqlite3"),
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._engine: Any = engine.Bindings(
            allow_reset=False, sqlite_db_config=database, persist_path=str(folder), hnsw_cache_size=OPEN_AT_ONCE
        )

    def find_collection(self, name: str) -> EmbeddedCollection | None:
        """Return a collection by its name, None where there is none."""
        found = (
            collection for collection in self._engine.list_collections(None, None, *DATABASE) if collection.name == name
        )
        return next(
            (EmbeddedCollection(self._engine, str(collection.id), collection.metadata) for collection in found), None
        )

    def make_collection(
        self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]
    ) -> EmbeddedCollection:
        """Make a collection."""
        asked = json.dumps({**configuration, **DEFAULTS})
        made = self._engine.create_collection(name, asked, None, metadata, False, *DATABASE)
        return EmbeddedCollection(self._engine, str(made.id), made.metadata)

    def delete_collection(self, name: str) -> None:
        """Delete a collection that is there."""
        self._engine.delete_collection(name, *DATABASE)

    def close(self) -> None:
        """Let go of the files."""
        del self._engine


@dataclass(frozen=True, slots=True)
class EmbeddedCollection:
    """Ask a collection in the words of Chroma's own `Collection`."""

    _engine: Any
    _number: str
    metadata: dict[str, Any] | None

    def count(self) -> int:
        """Return how many records there are."""
        return int(self._engine.count(self._number, *DATABASE))

    def get(self, *, ids: list[str] | None, include: list[str]) -> dict[str, Any]:
        """Return those of some records that are here, or all, with what of them is included."""
        found = self._engine.get(self._number, ids, None, None, 0, None, include, *DATABASE)
        return {"ids": found.ids, "embeddings": found.embeddings}

    def query(self, *, query_embeddings: NDArray[np.float32], n_results: int, include: list[str]) -> dict[str, Any]:
        """Return the records nearest to each row, the nearest first, with what of them is included."""
        found = self._engine.query(self._number, None, query_embeddings, n_results, None, None, include, *DATABASE)
        return {"ids": found.ids, "distances": found.distances}

    def upsert(self, *, ids: list[str], embeddings: NDArray[np.float32]) -> None:
        """Write vectors under their ids."""
        self._engine.upsert(self._number, ids, embeddings, None, None, None, *DATABASE)

    def delete(self, *, ids: list[str]) -> None:
        """Remove records; ids not known are passed over."""
        self._engine.delete(self._number, ids, None, None, None, *DATABASE)
