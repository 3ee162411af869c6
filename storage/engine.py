"""An engine for a database: a file of SQLite's, or a PostgreSQL server by libpq's or SQLAlchemy's spelling."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from storage.errors import BadInputError
from storage.sqlite import create_sqlite_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncEngine

POSTGRES: Final = frozenset({"postgresql", "postgres"})  # hosts of databases still write the second


def create_engine(location: str | Path, pragmas: Mapping[str, object] | None = None) -> AsyncEngine:
    """Make the engine for a file or a URL, which may leave the driver out, as other programs write it.

    Args:
        location: where the database is; the file need not be there yet.
        pragmas: settings of SQLite's that this database needs beside those that all have.

    Raises:
        BadInputError: The URL names no database that Footnote can use.
    """
    if isinstance(location, Path):
        return create_sqlite_engine(str(location), pragmas or {})
    if location.strip().partition(":")[0].partition("+")[0] in POSTGRES:
        from storage.postgres import create_postgres_engine  # and with it asyncpg

        return create_postgres_engine(location)
    try:
        url = sa.make_url(location)
    except (ArgumentError, ValueError):  # whose sentences may hold the password
        url = None
    # A database in memory would be another one for each connection, and nothing of a URL is passed over.
    if url is None or url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or url.query:
        raise BadInputError(
            "FOOTNOTE_DATABASE_URL names no database that Footnote can use; write it as "
            "postgresql://user:password@host/name, or leave it out for SQLite in the data dir."
        )
    return create_sqlite_engine(str(url.database), pragmas or {})
