"""Embedded Chroma: its Rust engine alone, without the Python client around it.

`import chromadb` takes longer than everything else in a search, and some 35 MB, for servers, telemetry and embedding
functions that are not needed here. This makes the same engine calls as the client; they are private to chromadb, so its
version is pinned.
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

DATABASE: Final = ("default_tenant", "default_database")  # Chroma's defaults
OPEN_AT_ONCE: Final = 8  # vector indexes; there is one, and briefly a second
# The rest of the configuration that the client writes for a collection without an embedding function.
DEFAULTS: Final = {"spann": None, "embedding_function": {"type": "legacy"}}


class EmbeddedClient:
    """A client for the collections in a folder; raises the errors of `chromadb.errors`, which it imports only then.

    Attributes:
        most_results: None, as there is no limit of results per query.
        most_records: None, as there is no limit of records per call.
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
        """A collection by name; None if it does not exist."""
        found = (
            collection for collection in self._engine.list_collections(None, None, *DATABASE) if collection.name == name
        )
        return next(
            (EmbeddedCollection(self._engine, str(collection.id), collection.metadata) for collection in found), None
        )

    def make_collection(
        self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]
    ) -> EmbeddedCollection:
        """Create a collection."""
        asked = json.dumps({**configuration, **DEFAULTS})
        made = self._engine.create_collection(name, asked, None, metadata, False, *DATABASE)
        return EmbeddedCollection(self._engine, str(made.id), made.metadata)

    def delete_collection(self, name: str) -> None:
        """Delete an existing collection."""
        self._engine.delete_collection(name, *DATABASE)

    def close(self) -> None:
        """Close the files."""
        del self._engine


@dataclass(frozen=True, slots=True)
class EmbeddedCollection:
    """A collection with the methods of Chroma's own `Collection` that are used here."""

    _engine: Any
    _number: str
    metadata: dict[str, Any] | None

    def count(self) -> int:
        """Count the records."""
        return int(self._engine.count(self._number, *DATABASE))

    def get(self, *, ids: list[str] | None, include: list[str]) -> dict[str, Any]:
        """Get records by id, or all, with the fields in `include`; missing ids are left out."""
        found = self._engine.get(self._number, ids, None, None, 0, None, include, *DATABASE)
        return {"ids": found.ids, "embeddings": found.embeddings}

    def query(self, *, query_embeddings: NDArray[np.float32], n_results: int, include: list[str]) -> dict[str, Any]:
        """Find the records nearest to each row, nearest first, with the fields in `include`."""
        found = self._engine.query(self._number, None, query_embeddings, n_results, None, None, include, *DATABASE)
        return {"ids": found.ids, "distances": found.distances}

    def upsert(self, *, ids: list[str], embeddings: NDArray[np.float32]) -> None:
        """Write vectors by id."""
        self._engine.upsert(self._number, ids, embeddings, None, None, None, *DATABASE)

    def delete(self, *, ids: list[str]) -> None:
        """Delete records; unknown ids are ignored."""
        self._engine.delete(self._number, ids, None, None, None, *DATABASE)
