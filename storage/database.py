"""A database: opened and brought up to date, its transactions, and inserts that say what to do on a conflict."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from storage.engine import create_engine
from storage.errors import DatabaseAwayError, DatabaseUnusableError
from storage.migration import migrate
from storage.sqlite import IMMEDIATE, create_reader, shrink, truncate_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.migration import Migrations

    Insert: TypeAlias = postgresql.Insert | sqlite.Insert

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAILURES: Final = (SQLAlchemyError, OSError, DatabaseAwayError)  # of a statement, whatever the database
PURGES: Final = 50  # tries to clear the log between what reads it
PURGE_PAUSE: Final = 0.1  # seconds


class Database:
    """Hand out transactions; on SQLite those that write queue up, so that none fails for another's lock.

    Attributes:
        engine: for what holds a connection for longer than a transaction, a lock say.
        writer: the engine whose transactions write.
        file: the SQLite file, None on a server.
    """

    def __init__(
        self, location: str | Path, pragmas: Mapping[str, object] | None = None, *, one_writer: bool = False
    ) -> None:
        """Take a file or a URL; with `one_writer` this process's writes queue up on a server too."""
        self.engine = create_engine(location, pragmas)
        self.writer = self.engine.execution_options(**{IMMEDIATE: True})
        self.file = Path(self.engine.url.database or "") if self.engine.dialect.name == "sqlite" else None
        self._reader = create_reader(self.file, pragmas or {}) if self.file else None
        self._turn = asyncio.Lock() if self.file or one_writer else nullcontext()

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
        """Connect to a file, whose folder is made, or to a URL, and bring the tables up to date.

        Args:
            location: a file, or a URL as `create_engine` takes it.
            migrations: what makes the tables.
            name: what an error calls the database, at the beginning of a sentence.
            pragmas: settings of SQLite's, beside those that all have.
            one_writer: whether this process's writes queue up on a server too.

        Raises:
            BadInputError: The URL names no database that can be used.
            DatabaseUnusableError: The file is no database, or the server's user may not do what is needed.
            DatabaseAwayError: The server does not answer.
            ServerRefusedError: The server will not have us.
            MigrationError: The tables are newer than this program, or cannot be brought up to date.
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
        if self._reader:
            await asyncio.to_thread(self._reader.dispose)
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give one transaction that only reads, and sees one state of the database."""
        async with self.engine.connect() as connection:
            yield connection

    async def read(self, ask: Callable[[sa.Connection], T]) -> T:
        """Ask for what a search waits for: of a file in one thread, which a handful of statements would enter each."""
        if self._reader:
            return await asyncio.to_thread(_ask, self._reader, ask)
        async with self.reading() as connection:
            return await connection.run_sync(ask)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give one transaction that writes; it is durable once the block has ended."""
        async with self._turn, self.writer.begin() as connection:
            yield connection

    async def give_back(self) -> None:
        """Make SQLite's file smaller where half of it is empty; a server sees to its own."""
        if self.file is None:
            return
        async with self._turn, self.engine.connect() as connection:
            try:
                await shrink(connection)
            except sqlite3.OperationalError as error:
                logger.warning("%s could not be made smaller: %s", self.file.name, error)

    async def purge(self) -> None:
        """Clear SQLite's log, which holds what was deleted for some time yet; a server sees to its own.

        Where somebody goes on reading it, that is left to the next time.
        """
        if self.file is None:
            return
        for _ in range(PURGES):
            async with self._turn, self.engine.connect() as connection:
                if await truncate_log(connection):
                    return
            await asyncio.sleep(PURGE_PAUSE)
        logger.warning("What was deleted is in the log of %s yet: something reads it", self.file.name)


def _ask(engine: sa.Engine, ask: Callable[[sa.Connection], T]) -> T:
    with engine.connect() as connection:
        return ask(connection)


def insert_into(connection: AsyncConnection, table: sa.Table) -> Insert:
    """Return an insert that can say what to do on a conflict."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # each takes its time to import, and one is needed

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


async def upsert(
    connection: AsyncConnection, table: sa.Table, key: Mapping[str, object], values: Mapping[str, object]
) -> None:
    """Keep a row in place of the one with the same key."""
    insert = insert_into(connection, table).values(**key, **values)
    await connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=dict(values)))
