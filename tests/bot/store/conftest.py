"""A store of its own for each test: on SQLite, and on PostgreSQL where FOOTNOTE_TEST_POSTGRES names a server.

The variable holds an SQLAlchemy URL (postgresql+asyncpg://user:password@host/name) of a role that may create
databases; each test gets a new one there. Without it, those tests are skipped.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

POSTGRES = "FOOTNOTE_TEST_POSTGRES"


@dataclass(frozen=True)
class Place:
    """Where a store is, so that it can be opened again."""

    data_dir: Path
    url: str | None

    async def open(self) -> Store:
        return await Store.open(self.data_dir, self.url)


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        yield Place(tmp_path, None)
        return
    if not (server := os.environ.get(POSTGRES)):
        pytest.skip(f"{POSTGRES} names no server")
    name = f"footnote_{uuid.uuid4().hex}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield Place(tmp_path, sa.make_url(server).set(database=name).render_as_string(hide_password=False))
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await engine.dispose()


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    store = await place.open()
    yield store
    await store.close()
