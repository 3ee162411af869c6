"""A database: opening and migrating it, its transactions, and upserts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from storage.engine import create_engine
from storage.errors import DatabaseAwayError, DatabaseUnusableError
from storage.migration import migrate
from storage.sqlite import IMMEDIATE, create_read_engine, shrink, truncate_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.migration import Migrations

    Insert: TypeAlias = postgresql.Insert | sqlite.Insert

logger = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE_ERRORS: Final = (SQLAlchemyError, OSError, DatabaseAwayError)  # what a statement may raise on either database
PURGE_ATTEMPTS: Final = 50  # attempts to truncate the log while readers come and go
PURGE_PAUSE: Final = timedelta(seconds=0.1)


class Database:
    """Transactions on a database; on SQLite, writers queue up, so that none fails because another holds the lock.

    Attributes:
        engine: for callers that hold a connection longer than a transaction, such as a lock.
        write_engine: the same engine, whose transactions take the write lock as they begin.
        file: the SQLite file; None on a server.
    """

    def __init__(
        self, location: str | Path, pragmas: Mapping[str, object] | None = None, *, one_writer: bool = False
    ) -> None:
        """`location` is a file or a URL; with `one_writer`, writes of this process queue up on a server too."""
        self.engine = create_engine(location, pragmas)
        self.write_engine = self.engine.execution_options(**{IMMEDIATE: True})
        self.file = Path(self.engine.url.database or "") if self.engine.dialect.name == "sqlite" else None
        self._read_engine = create_read_engine(self.file, pragmas or {}) if self.file else None
        self._write_turn = asyncio.Lock() if self.file or one_writer else nullcontext()

    @classmethod
    async def open(
        cls,
        location: str | Path,
        migrations: Migrations,
        *,
        name: str,
        pragmas: Mapping[str, object] | None = None,
        one_writer: bool = False,
    ) -> Self:
        """Connect to a file (creating its folder) or a URL, and migrate the tables.

        Args:
            location: a file, or a URL that `create_engine` accepts.
            migrations: the migrations that create the tables.
            name: the database's name in error messages; it starts a sentence.
            pragmas: extra SQLite pragmas, on top of the common ones.
            one_writer: whether this process's writes queue up on a server too.

        Raises:
            BadInputError: The URL is not one of a supported database.
            DatabaseUnusableError: The file is not a database, or the server's user lacks a permission.
            DatabaseAwayError: The server does not answer.
            ServerRefusedError: The server refuses the connection.
            MigrationError: The tables are newer than this program, or a migration failed.
        """
        database = cls(location, pragmas, one_writer=one_writer)
        try:
            if database.file:
                await asyncio.to_thread(database.file.parent.mkdir, parents=True, exist_ok=True)
            await migrate(database.engine, migrations, database.file)
        except (DBAPIError, OSError) as error:
            await database.close()
            reason = str(getattr(error, "orig", error)).partition("\n")[0] or type(error).__name__
            mend = (
                "restore it from a backup, or choose another data dir"
                if database.file
                else "check FOOTNOTE_DATABASE_URL, and what its user may do"
            )
            raise DatabaseUnusableError(f"{name} cannot be opened ({reason}); {mend}.") from error
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close every connection."""
        if self._read_engine:
            await asyncio.to_thread(self._read_engine.dispose)
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction, which sees one snapshot of the database."""
        async with self.engine.connect() as connection:
            yield connection

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run a query that a search waits for; on SQLite, all its statements run in one go in a thread."""
        if self._read_engine:
            return await asyncio.to_thread(_run, self._read_engine, query)
        async with self.reading() as connection:
            return await connection.run_sync(query)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction, committed and durable when the block ends."""
        async with self._write_turn, self.write_engine.begin() as connection:
            yield connection

    async def shrink(self) -> None:
        """Shrink SQLite's file if at least half of it is empty; does nothing on a server."""
        if self.file is None:
            return
        async with self._write_turn, self.engine.connect() as connection:
            try:
                await shrink(connection)
            except sqlite3.OperationalError as error:
                logger.warning("%s could not be made smaller: %s", self.file.name, error)

    async def purge_log(self) -> None:
        """Truncate SQLite's write-ahead log, which still holds deleted data; does nothing on a server.

        If readers keep the log busy, it stays until the next call.
        """
        if self.file is None:
            return
        for _ in range(PURGE_ATTEMPTS):
            async with self._write_turn, self.engine.connect() as connection:
                if await truncate_log(connection):
                    return
            await asyncio.sleep(PURGE_PAUSE.total_seconds())
        logger.warning("What was deleted is in the log of %s yet: something reads it", self.file.name)


def _run(engine: sa.Engine, query: Callable[[sa.Connection], T]) -> T:
    with engine.connect() as connection:
        return query(connection)


def insert_into(connection: AsyncConnection, table: sa.Table) -> Insert:
    """An INSERT in the database's dialect, which supports ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # slow to import, and only one of the two is needed

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


async def upsert(
    connection: AsyncConnection, table: sa.Table, key: Mapping[str, object], values: Mapping[str, object]
) -> None:
    """Insert a row, or update the one with the same key."""
    insert = insert_into(connection, table).values(**key, **values)
    await connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
