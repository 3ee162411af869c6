"""Files of SQLite's: their settings, when transactions begin, and what keeps a file small and clean.

A transaction that reads and then writes fails at once where another one wrote in between. So the driver begins none by
itself: each begins with its first statement, and one that is to write has the lock from then on.
"""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

IMMEDIATE: Final = "footnote_immediate"  # the execution option of transactions that write
QUEUED: Final = 600  # seconds that a statement waits for a connection: behind others, as a file cannot be away
BUSY: Final = 30  # seconds that a transaction waits for another process's
ITER_CHUNK: Final = 64  # rows that aiosqlite fetches at a time; its own default
SWITCHES: Final = 20  # tries to have a new file write a log
SWITCH_PAUSE: Final = 0.01  # seconds
WORTH: Final = 1 << 20  # bytes that must be empty for a file to be written anew


def create_sqlite_engine(file: str, pragmas: Mapping[str, object]) -> AsyncEngine:
    """Make an engine whose transactions survive that their task is cancelled, however late."""
    engine = create_async_engine(
        sa.URL.create("sqlite+aiosqlite", database=file),
        connect_args={"timeout": BUSY, "async_creator_fn": _open},
        pool_timeout=QUEUED,
        # An error names the values of its statement otherwise, which may be somebody's words, and may come into a log.
        hide_parameters=True,
    )
    # Foreign keys are enforced, so that what belongs to a row goes with it.
    sa.event.listen(engine.sync_engine, "connect", partial(_set_up, {"foreign_keys": "ON"} | dict(pragmas)))
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


def create_reader(file: Path, pragmas: Mapping[str, object]) -> sa.Engine:
    """Make an engine for threads that only read."""
    url = sa.URL.create("sqlite", database=str(file))
    engine = sa.create_engine(url, connect_args={"timeout": BUSY}, pool_timeout=QUEUED, hide_parameters=True)
    sa.event.listen(engine, "connect", partial(_set_up, pragmas))
    return engine


async def shrink(connection: AsyncConnection) -> None:
    """Write a file anew where half of it is empty; a smaller part is filled again by what comes next.

    Raises sqlite3.OperationalError where the disk is too full for a second copy, say.
    """
    free, pages, size = [await _pragma(connection, name) for name in ("freelist_count", "page_count", "page_size")]
    if free * size >= WORTH and free * 2 >= pages:
        driver = await _driver(connection)
        await driver.execute("VACUUM")  # no transaction may be open, so that this goes past SQLAlchemy


async def truncate_log(connection: AsyncConnection) -> bool:
    """Clear the log, which holds what was deleted for some time yet; False where somebody reads it just now."""
    await _pragma(connection, "busy_timeout=0")  # nobody else may write while this waits
    try:
        return not await _pragma(connection, "wal_checkpoint(TRUNCATE)")
    finally:
        await _pragma(connection, f"busy_timeout={BUSY * 1000}")


async def enforce_foreign_keys(connection: AsyncConnection, *, enforced: bool) -> None:
    """Enforce references or do not; SQLite lets that be said outside a transaction only."""
    driver = await _driver(connection)
    await driver.execute(f"PRAGMA foreign_keys={'ON' if enforced else 'OFF'}")


class _Connection(aiosqlite.Connection):
    """Stop its thread only once.

    Where a task is cancelled while SQLAlchemy closes its connection, both stop it, and aiosqlite 0.22 would have the
    second wait for a thread that has ended: for ever, and with it `asyncio.run`. docs/decisions/0009 has the report.
    """

    _stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Have the thread end after what it does, and give what tells of it."""
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


def _open(database: str | Path, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401
    connection = _Connection(partial(sqlite3.connect, database, **options), ITER_CHUNK)
    # As SQLAlchemy's own connections: one that nobody closed does not keep the process alive.
    connection._thread.daemon = True  # noqa: SLF001
    return connection


def _set_up(
    pragmas: Mapping[str, object], connection: AsyncAdapt_aiosqlite_connection | sqlite3.Connection, _record: object
) -> None:
    connection.isolation_level = None  # _begin begins
    cursor: Any = connection.cursor()  # SQLAlchemy's adapter of aiosqlite, or SQLite's own
    _switch_to_wal(cursor)
    for name, value in pragmas.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:  # noqa: ANN401
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
    immediate = connection.get_execution_options().get(IMMEDIATE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


async def _driver(connection: AsyncConnection) -> aiosqlite.Connection:
    driver: aiosqlite.Connection | None = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    return driver


async def _pragma(connection: AsyncConnection, statement: str) -> Any:  # noqa: ANN401
    """Run a pragma past SQLAlchemy, outside a transaction, and give the first value that it tells, if it tells one."""
    row = await (await (await _driver(connection)).execute(f"PRAGMA {statement}")).fetchone()
    return row and row[0]
