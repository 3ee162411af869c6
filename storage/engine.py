"""An engine for a database: an SQLite file, or a PostgreSQL server by a libpq or SQLAlchemy URL."""

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

POSTGRES: Final = frozenset({"postgresql", "postgres"})  # database hosts still hand out the second


def create_engine(location: str | Path, pragmas: Mapping[str, object] | None = None) -> AsyncEngine:
    """Create the engine for a file or a URL; the URL need not name a driver.

    Args:
        location: where the database is; the file need not be there yet.
        pragmas: extra SQLite pragmas, on top of the common ones.

    Raises:
        BadInputError: The URL is not one of a supported database.
    """
    if isinstance(location, Path):
        return create_sqlite_engine(str(location), pragmas or {})
    if location.strip().partition(":")[0].partition("+")[0] in POSTGRES:
        from storage.postgres import create_postgres_engine  # this loads asyncpg

        return create_postgres_engine(location)
    try:
        url = sa.make_url(location)
    except (ArgumentError, ValueError):  # their messages may contain the password
        url = None
    # Each connection would get its own in-memory database. A query string is refused rather than ignored.
    if url is None or url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or url.query:
        raise BadInputError(
            "FOOTNOTE_DATABASE_URL names no database that Footnote can use; write it as "
            "postgresql://user:password@host/name, or leave it out for SQLite in the data dir."
        )
    return create_sqlite_engine(str(url.database), pragmas or {})
