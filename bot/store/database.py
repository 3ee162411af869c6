"""The database behind the store: connections set up, and transactions for reading and for writing."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.store.errors import StoreError
from retrieval.connecting import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

logger = logging.getLogger(__name__)

BUSY: Final = 30  # seconds that a transaction waits for another process's
SWITCHES: Final = 20  # tries to have a new file write a log
SWITCH_PAUSE: Final = 0.01  # seconds
WORTH: Final = 1 << 20  # bytes that must be empty for a file to be written anew
PURGES: Final = 50  # tries to clear the log between what reads it
PURGE_PAUSE: Final = 0.1  # seconds
IMMEDIATE: Final = "footnote_immediate"  # the execution option of transactions that write


class Database:
    """Hand out transactions; on SQLite those that write queue up, so that none fails for another's lock.

    Attributes:
        writer: the engine whose transactions write.
        file: the SQLite file, None on a server.
    """

    def __init__(self, engine: AsyncEngine, file: Path | None) -> None:
        self._engine = engine
        self.writer = engine.execution_options(**{IMMEDIATE: True})
        self.file = file
        self._turn = asyncio.Lock() if file else nullcontext()

    @classmethod
    async def open(cls, file: Path, url: str | None) -> Self:
        """Connect to `url`, or to the SQLite file (its folder is made) where there is none.

        Raises StoreError where that is no database, DatabaseAwayError where its server does not answer.
        """
        try:
            path = _file_of(url) if url else file
            if path:
                await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            place = url or sa.URL.create("sqlite+aiosqlite", database=str(file))
            engine = connect(place, connect_args={"timeout": BUSY}) if path else connect(place)
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise StoreError(
                f"The bot's memory cannot be opened ({_reason(error)}); check FOOTNOTE_DATA_DIR, or write "
                "FOOTNOTE_DATABASE_URL as postgresql+asyncpg://user:password@host/name."
            ) from error
        if path:
            sa.event.listen(engine.sync_engine, "connect", _set_up)
            sa.event.listen(engine.sync_engine, "begin", _begin)
        try:
            async with engine.connect():
                pass
        except (SQLAlchemyError, OSError) as error:
            await engine.dispose()
            remedy = "restore it from a backup, or choose another data dir" if path else "check FOOTNOTE_DATABASE_URL"
            raise StoreError(f"The bot's memory cannot be opened ({_reason(error)}); {remedy}.") from error
        return cls(engine, path)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give one transaction that only reads."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give one transaction that writes; it is durable once the block has ended."""
        async with self._turn, self.writer.begin() as connection:
            yield connection

    async def give_back(self) -> None:
        """Make SQLite's file smaller where half of it is empty; a server sees to its own.

        A smaller part is filled again by what comes next, and is not worth writing the whole file anew.
        """
        if self.file is None:
            return
        async with self._turn, self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            sizes = [
                (await (await driver.execute(f"PRAGMA {name}")).fetchone())[0]
                for name in ("freelist_count", "page_count", "page_size")
            ]
            free, pages, size = sizes
            if free * size < WORTH or free * 2 < pages:
                return
            try:
                await driver.execute("VACUUM")  # no transaction may be open, so that this goes past SQLAlchemy
            except sqlite3.OperationalError as error:  # the disk is too full for a second copy, say
                logger.warning("%s could not be made smaller: %s", self.file.name, error)

    async def purge(self) -> None:
        """Clear SQLite's log, which holds what was deleted for some time yet; a server sees to its own.

        Where somebody goes on reading it, that is left to the next time.
        """
        if self.file is None:
            return
        for _ in range(PURGES):
            if await self._truncate_log():
                return
            await asyncio.sleep(PURGE_PAUSE)
        logger.warning("What was deleted is in the log of %s yet: something reads it", self.file.name)

    async def _truncate_log(self) -> bool:
        """Clear the log and say whether that could be done at once: nobody else may write while it is waited for."""
        async with self._turn, self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            # No transaction may be open, so that this goes past SQLAlchemy.
            await driver.execute("PRAGMA busy_timeout=0")
            try:
                busy, *_ = await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).fetchone()
            finally:
                await driver.execute(f"PRAGMA busy_timeout={BUSY * 1000}")
            return not busy

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that can say what to do on a conflict."""
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)


def _file_of(url: str) -> Path | None:
    """Return the SQLite file that a URL names, None where it names a server."""
    if not url.strip().startswith("sqlite"):
        return None
    place = sa.make_url(url)
    return Path(place.database) if place.database else None


def _set_up(connection: AsyncAdapt_aiosqlite_connection, _record: object) -> None:
    # The driver begins transactions late and by itself; _begin does so instead, or what is read first would be outside.
    connection.isolation_level = None
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is forgotten is overwritten, not left in free pages; not every SQLite does so by itself.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:  # noqa: ANN401  # SQLAlchemy's adapter of aiosqlite
    # The one statement that does not wait for another connection's lock, as where two open a new file at once.
    for attempt in range(SWITCHES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == SWITCHES - 1:
                raise
            time.sleep(SWITCH_PAUSE)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads first and then writes fails at once where another wrote in between: lock at the start.
    immediate = connection.get_execution_options().get(IMMEDIATE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _reason(error: BaseException) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]
