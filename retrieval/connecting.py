"""Connect to a database; one that is SQLite survives that its user is cancelled, however late."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from retrieval.errors import BadInputError

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine


DRIVERS: Final = {"sqlite": "sqlite+aiosqlite"}
POSTGRES: Final = frozenset({"postgresql", "postgres"})  # hosts of databases still write the second
QUEUED: Final = 600  # seconds that a statement waits for a connection: behind others, as a file cannot be away
ITER_CHUNK: Final = 64  # rows that aiosqlite fetches at a time; its own default


def connect(url: str | sa.URL, **options: Any) -> AsyncEngine:  # noqa: ANN401
    """Return an engine for a database; `options` are those of SQLAlchemy's create_async_engine.

    A URL may leave the driver out, as other programs write it. Raises BadInputError where it names no database that
    Footnote can use.
    """
    scheme = str(url).strip().partition(":")[0].partition("+")[0]
    if scheme in POSTGRES and isinstance(url, str):
        from retrieval.postgres import connect_postgres  # and with it asyncpg

        return connect_postgres(url, **options)
    try:
        place = sa.make_url(url)
        place = place.set(drivername=DRIVERS[place.get_backend_name()])
    except (ArgumentError, ValueError, KeyError):  # whose sentences may hold the password
        raise BadInputError(
            "FOOTNOTE_DATABASE_URL names no database that Footnote can use; write it as "
            "postgresql://user:password@host/name, or leave it out for SQLite in the data dir."
        ) from None
    options["connect_args"] = {**options.get("connect_args", {}), "async_creator_fn": _open}
    options.setdefault("pool_timeout", QUEUED)
    # An error names the values of its statement otherwise, which may be somebody's words, and it may come into a log.
    return create_async_engine(place, hide_parameters=True, **options)


def read_beside(engine: AsyncEngine) -> sa.Engine | None:
    """Return an engine for threads that read the same file, None for a database on a server."""
    if engine.dialect.name != "sqlite":
        return None
    return sa.create_engine(engine.url.set(drivername="sqlite"), hide_parameters=True, pool_timeout=QUEUED)


class _Connection(aiosqlite.Connection):
    """Stop its thread only once.

    Where a task is cancelled while SQLAlchemy closes its connection, both stop it, and aiosqlite 0.22 would have the
    second wait for a thread that has ended: for ever, and with it `asyncio.run`.
    """

    _stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


def _open(database: str | Path, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401
    connection = _Connection(partial(sqlite3.connect, database, **options), ITER_CHUNK)
    # As SQLAlchemy's own connections: one that nobody closed does not keep the process alive.
    connection._thread.daemon = True  # noqa: SLF001
    return connection
