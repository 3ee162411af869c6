"""A catalogue of its own for each test: on SQLite, and on PostgreSQL where FOOTNOTE_TEST_POSTGRES names a server.

The variable holds an SQLAlchemy URL (postgresql+asyncpg://user:password@host/name) of a role that may create
databases; each test gets a new one there. Without it, those tests are skipped.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from retrieval.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

POSTGRES = "FOOTNOTE_TEST_POSTGRES"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}"
        return
    if not (server := os.environ.get(POSTGRES)):
        pytest.skip(f"{POSTGRES} names no server")
    name = f"footnote_{uuid.uuid4().hex}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await engine.dispose()


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    catalogue = await Catalogue.open(database_url)
    yield catalogue
    await catalogue.close()
