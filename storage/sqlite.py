"""SQLite files: their pragmas, when transactions begin, and how a file is kept small and free of deleted data.

A transaction that reads and then writes fails at once if another one wrote in between. So the driver does not begin
transactions by itself: each begins with its first statement, and a write transaction takes the lock right then.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta
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
POOL_TIMEOUT: Final = timedelta(minutes=10)  # to wait for a pooled connection; only other statements can hold one up
BUSY: Final = timedelta(seconds=30)  # to wait for another process's lock
ITER_CHUNK: Final = 64  # rows that aiosqlite fetches at a time; its own default
SWITCH_ATTEMPTS: Final = 20  # attempts to switch a new file to WAL
SWITCH_PAUSE: Final = timedelta(milliseconds=10)
MIN_EMPTY_BYTES: Final = 1 << 20  # a file with fewer empty bytes is not vacuumed


def create_sqlite_engine(file: str, pragmas: Mapping[str, object]) -> AsyncEngine:
    """Create an engine whose connections close cleanly even when their task is cancelled."""
    engine = create_async_engine(
        sa.URL.create("sqlite+aiosqlite", database=file),
        connect_args={"timeout": BUSY.total_seconds(), "async_creator_fn": _open},
        pool_timeout=POOL_TIMEOUT.total_seconds(),
        # Otherwise errors contain the statement's parameters, which may be a user's words and may end up in a log.
        hide_parameters=True,
    )
    # Foreign keys are enforced for ON DELETE CASCADE.
    sa.event.listen(engine.sync_engine, "connect", partial(_set_up, {"foreign_keys": "ON"} | dict(pragmas)))
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


def create_read_engine(file: Path, pragmas: Mapping[str, object]) -> sa.Engine:
    """Create a synchronous engine for threads that only read."""
    url = sa.URL.create("sqlite", database=str(file))
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY.total_seconds()},
        pool_timeout=POOL_TIMEOUT.total_seconds(),
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", partial(_set_up, pragmas))
    return engine


async def shrink(connection: AsyncConnection) -> None:
    """Vacuum a file if at least half of it, and 1 MiB, is empty; smaller gaps will be reused.

    Raises sqlite3.OperationalError, for example if the disk is too full for a second copy.
    """
    free, pages, size = [await _pragma(connection, name) for name in ("freelist_count", "page_count", "page_size")]
    if free * size >= MIN_EMPTY_BYTES and free * 2 >= pages:
        driver = await _driver(connection)
        await driver.execute("VACUUM")  # not through SQLAlchemy, because no transaction may be open


async def truncate_log(connection: AsyncConnection) -> bool:
    """Truncate the write-ahead log, which still holds deleted data; False if a reader prevents it."""
    await _pragma(connection, "busy_timeout=0")  # other writers would be blocked while this waits
    try:
        return not await _pragma(connection, "wal_checkpoint(TRUNCATE)")
    finally:
        await _pragma(connection, f"busy_timeout={BUSY // timedelta(milliseconds=1)}")


async def enforce_foreign_keys(connection: AsyncConnection, *, enforced: bool) -> None:
    """Turn foreign keys on or off; SQLite allows it only outside a transaction."""
    driver = await _driver(connection)
    await driver.execute(f"PRAGMA foreign_keys={'ON' if enforced else 'OFF'}")


class _Connection(aiosqlite.Connection):
    """A connection that stops its thread only once.

    If a task is cancelled while SQLAlchemy closes its connection, `stop` is called twice, and in aiosqlite 0.22 the
    second call waits for ever for a thread that has ended, and so does `asyncio.run`. See docs/decisions/0009.
    """

    _stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Ask the thread to stop after its current work; the future resolves when it has."""
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


def _open(database: str | Path, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401
    connection = _Connection(partial(sqlite3.connect, database, **options), ITER_CHUNK)
    # As SQLAlchemy does: a connection left open must not keep the process alive.
    connection._thread.daemon = True  # noqa: SLF001
    return connection


def _set_up(
    pragmas: Mapping[str, object], connection: AsyncAdapt_aiosqlite_connection | sqlite3.Connection, _record: object
) -> None:
    connection.isolation_level = None  # transactions begin in _begin
    cursor: Any = connection.cursor()  # SQLAlchemy's adapter of aiosqlite, or SQLite's own
    _switch_to_wal(cursor)
    for name, value in pragmas.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:  # noqa: ANN401
    # The only statement that does not wait for a lock, which two connections to a new file compete for.
    for attempt in range(SWITCH_ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == SWITCH_ATTEMPTS - 1:
                raise
            time.sleep(SWITCH_PAUSE.total_seconds())
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
    """Run a pragma outside a transaction, bypassing SQLAlchemy; the first value of its result, if it has one."""
    row = await (await (await _driver(connection)).execute(f"PRAGMA {statement}")).fetchone()
    return row and row[0]
