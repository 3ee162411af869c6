"""The turn to index a library that several processes share: who has it, and whether they still do.

PostgreSQL's advisory lock hands it on, but is let go of where a connection is cut, although its process lives and is in
the midst of embedding. So whoever has the turn renews a row, too: another one takes it over with the lock, and only
once the row was not renewed for a while; and each transaction of whoever has it begins with that row, so that one who
was too long away to keep it writes nothing more.
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

from retrieval.catalogue_tables import index_turn
from retrieval.errors import DatabaseAwayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

KEY: Final = zlib.crc32(b"footnote indexing")
TRIED_EVERY: Final = 0.5  # seconds
RENEWED_EVERY: Final = 1.0
STALE: Final = 3.0  # seconds without a sign after which its holder is taken to be gone
# The server's, as processes may differ.
NOW: Final = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))


class LeaseLostError(Exception):
    """Say that another process indexes by now."""


class IndexLease:
    """Let one process at a time index; in a data dir of one owner there is nothing to wait for."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._holder: str | None = None

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for the turn, and keep it inside the block; it goes to another when this process dies."""
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
            with suppress(DatabaseAwayError):  # it is stale soon
                async with self._engine.begin() as connection:
                    await connection.execute(sa.delete(index_turn).where(index_turn.c.holder == holder))

    async def demand(self, connection: AsyncConnection) -> None:
        """Renew the turn with a transaction of its holder; raises LeaseLostError where it is another's by now."""
        if self._holder is None:
            return
        mine = sa.update(index_turn).where(index_turn.c.holder == self._holder)
        if not (await connection.execute(mine.values(renewed_at=NOW))).rowcount:
            raise LeaseLostError

    async def _take(self, holder: str) -> AsyncConnection:
        """Return a connection that has the lock, once the turn is nobody's, or nobody's who gives a sign."""
        while True:
            if (lock := await self._try_lock()) is not None:
                try:
                    if await self._claim(holder):
                        return lock
                except BaseException:
                    await _let_go(lock)
                    raise
                await _let_go(lock)
            await asyncio.sleep(TRIED_EVERY)

    async def _claim(self, holder: str) -> bool:
        row = {"holder": holder, "renewed_at": NOW}
        claim = postgresql.insert(index_turn).values(key=1, **row)
        stale = index_turn.c.renewed_at < NOW - dt.timedelta(seconds=STALE)
        async with self._engine.begin() as connection:
            claimed = await connection.execute(
                claim.on_conflict_do_update(index_elements=["key"], set_=row, where=stale)
            )
            return claimed.rowcount > 0

    async def _keep(self, lock: AsyncConnection | None) -> None:
        """Renew the turn until it is lost, and take the lock again when its connection was cut."""
        try:
            while True:
                await asyncio.sleep(RENEWED_EVERY)
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
        """Return a connection in whose transaction the lock is held, None where it is another's.

        Of a transaction, not of a session, which PgBouncer may hand to another; and never waited for in a statement,
        as one that takes long looks like a server that is away.
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
    """Close a connection, which may be cut."""
    with suppress(DatabaseAwayError):
        await lock.close()
