"""Which library this is, and which of its collections of vectors is live.

Libraries may share a Chroma server, and processes a library: so a collection is named by the library and its
generation, and the database says which one is searched. A rebuild fills the next one, and only then it is live.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue_tables import library_state
from storage.database import insert_into

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class LibraryState:
    """Hold what all processes of a library go by.

    Attributes:
        library_id: what tells it from other libraries.
        stamp: what the live vectors were made with.
        generation: the number of the live collection.
        filling: the number of the collection that a rebuild fills, None where there is none.
    """

    library_id: str
    stamp: str
    generation: int
    filling: int | None

    def collection(self, generation: int) -> str:
        """Return the name of a collection on a server."""
        return f"footnote-{self.library_id}-{generation}"

    @property
    def live(self) -> str:
        """Return the name of the collection that is searched."""
        return self.collection(self.generation)


async def read_state(connection: AsyncConnection, stamp: str) -> LibraryState:
    """Return the state; whoever comes first makes it, with the stamp of its own model."""
    columns = [column for column in library_state.c if column.name != "key"]
    # Every process looks often, and all but the first need write nothing.
    if (known := (await connection.execute(sa.select(*columns))).one_or_none()) is not None:
        return LibraryState(*known)
    first = {"key": 1, "library_id": secrets.token_hex(6), "stamp": stamp, "generation": 1}
    await connection.execute(insert_into(connection, library_state).values(first).on_conflict_do_nothing())
    return LibraryState(*(await connection.execute(sa.select(*columns))).one())


async def begin_generation(connection: AsyncConnection) -> None:
    """Have the next collection filled; one that was begun and never ended is gone on with."""
    following = sa.func.coalesce(library_state.c.filling, library_state.c.generation + 1)
    await connection.execute(sa.update(library_state).values(filling=following))


async def switch_generation(connection: AsyncConnection, stamp: str) -> None:
    """Make the collection that was filled the live one."""
    await connection.execute(
        sa.update(library_state)
        .where(library_state.c.filling.is_not(None))
        .values(generation=library_state.c.filling, filling=None, stamp=stamp)
    )
