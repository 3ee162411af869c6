"""The index lease: which process may index a shared library.

A PostgreSQL advisory lock alone is not enough: it is released when its connection breaks, although the process may
live on and be embedding. So the holder also renews a row. Another process takes over only if it gets the lock and the
row has not been renewed for a while, and each of the holder's transactions first updates that row, so that a process
that has lost the lease writes nothing more.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
import zlib
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from retrieval.catalogue.catalogue_tables import index_turn
from retrieval.errors import DatabaseAwayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

KEY: Final = zlib.crc32(b"footnote indexing")
TRIED_EVERY: Final = dt.timedelta(seconds=0.5)
RENEWED_EVERY: Final = dt.timedelta(seconds=1)
STALE: Final = dt.timedelta(seconds=3)  # without renewal after which the holder counts as gone
# The server's clock, because those of the processes may differ.
NOW: Final = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))


class LeaseLostError(Exception):
    """Another process has taken the index lease over."""


class IndexLease:
    """A lease that one process holds at a time; on SQLite the data dir has one owner, and it is always free."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._holder: str | None = None

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for the lease, and hold it inside the block; if this process dies, another takes it over."""
        if self._engine.dialect.name != "postgresql":
            yield
            return
        holder = secrets.token_hex(8)
        lock = await self._take(holder)
        self._holder = holder
        renewing = asyncio.create_task(self._keep(lock))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            self._holder = None
            with suppress(DatabaseAwayError):  # it will soon be stale
                async with self._engine.begin() as connection:
                    await connection.execute(sa.delete(index_turn).where(index_turn.c.holder == holder))

    async def demand(self, connection: AsyncConnection) -> None:
        """Renew the lease in a transaction of its holder; raises LeaseLostError if another process has it."""
        if self._holder is None:
            return
        mine = sa.update(index_turn).where(index_turn.c.holder == self._holder)
        if not (await connection.execute(mine.values(renewed_at=NOW))).rowcount:
            raise LeaseLostError

    async def _take(self, holder: str) -> AsyncConnection:
        """Wait until the lease is free or stale and take it; the connection that holds the lock."""
        while True:
            if (lock := await self._try_lock()) is not None:
                try:
                    if await self._claim(holder):
                        return lock
                except BaseException:
                    await _let_go(lock)
                    raise
                await _let_go(lock)
            await asyncio.sleep(TRIED_EVERY.total_seconds())

    async def _claim(self, holder: str) -> bool:
        row = {"holder": holder, "renewed_at": NOW}
        claim = postgresql.insert(index_turn).values(key=1, **row)
        stale = index_turn.c.renewed_at < NOW - STALE
        async with self._engine.begin() as connection:
            claimed = await connection.execute(
                claim.on_conflict_do_update(index_elements=["key"], set_=row, where=stale)
            )
            return claimed.rowcount > 0

    async def _keep(self, lock: AsyncConnection | None) -> None:
        """Renew the lease until it is lost; take the lock again if its connection breaks."""
        try:
            while True:
                await asyncio.sleep(RENEWED_EVERY.total_seconds())
                try:
                    async with self._engine.begin() as connection:
                        await self.demand(connection)
                    if lock is not None:
                        await lock.execute(sa.select(1))
                    else:
                        lock = await self._try_lock()
                except LeaseLostError:
                    return
                except DatabaseAwayError:
                    log.warning("the connection that the turn to index is held by was cut, and is made anew")
                    if lock is not None:
                        await _let_go(lock)
                    lock = None
        finally:
            if lock is not None:
                await _let_go(lock)

    async def _try_lock(self) -> AsyncConnection | None:
        """A connection whose transaction holds the lock; None if another process has it.

        It is a transaction's lock, because PgBouncer may give a session to another client, and it is polled, because a
        statement that waits for long looks like a server that is away.
        """
        connection = await self._engine.connect()
        try:
            if await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(KEY))):
                await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                return connection
        except BaseException:
            await _let_go(connection)
            raise
        await _let_go(connection)
        return None


async def _let_go(lock: AsyncConnection) -> None:
    """Close a connection, which may be broken already."""
    with suppress(DatabaseAwayError):
        await lock.close()
