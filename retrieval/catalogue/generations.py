"""Generations: the id of a library, and which of its vector collections is live.

Libraries may share a Chroma server, and processes a library, so a collection is named after the library's id and a
generation number, and the database says which one is live. A rebuild fills the next collection, then switches to it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import library_state
from storage.database import insert_into

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class LibraryState:
    """The state that all processes of a library share.

    Attributes:
        library_id: the random id of the library.
        stamp: the stamp of the live vectors.
        generation: the number of the live collection.
        filling: the number of the collection that a rebuild is filling; None if there is none.
    """

    library_id: str
    stamp: str
    generation: int
    filling: int | None

    def collection(self, generation: int) -> str:
        """The name of a collection on a Chroma server."""
        return f"footnote-{self.library_id}-{generation}"

    @property
    def live(self) -> str:
        """The name of the live collection."""
        return self.collection(self.generation)


async def read_state(connection: AsyncConnection, stamp: str) -> LibraryState:
    """Read the state; the first process creates it, with the stamp of its model."""
    columns = [column for column in library_state.c if column.name != "key"]
    # All processes read it often, and only the first one has to write.
    if (known := (await connection.execute(sa.select(*columns))).one_or_none()) is not None:
        return LibraryState(*known)
    first = {"key": 1, "library_id": secrets.token_hex(6), "stamp": stamp, "generation": 1}
    await connection.execute(insert_into(connection, library_state).values(first).on_conflict_do_nothing())
    return LibraryState(*(await connection.execute(sa.select(*columns))).one())


async def begin_generation(connection: AsyncConnection) -> None:
    """Begin to fill the next collection, or continue with one that was left unfinished."""
    following = sa.func.coalesce(library_state.c.filling, library_state.c.generation + 1)
    await connection.execute(sa.update(library_state).values(filling=following))


async def switch_generation(connection: AsyncConnection, stamp: str) -> None:
    """Make the filled collection the live one."""
    await connection.execute(
        sa.update(library_state)
        .where(library_state.c.filling.is_not(None))
        .values(generation=library_state.c.filling, filling=None, stamp=stamp)
    )
