"""A fresh store for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bot.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import Postgres


@dataclass(frozen=True)
class Place:
    """Where a store is, so that it can be opened again."""

    data_dir: Path
    url: str | None

    async def open(self) -> Store:
        return await Store.open(self.data_dir, self.url)


@pytest.fixture
def tables() -> bool:
    """Whether a new database already has the current tables, which saves each test the migrations."""
    return True


@asynccontextmanager
async def make_place(request: pytest.FixtureRequest, tmp_path: Path, *, tables: bool) -> AsyncIterator[Place]:
    """Make a place on the kind of database that the test runs on."""
    if request.param == "sqlite":
        if tables:
            shutil.copy(request.getfixturevalue("tables_dir") / "memory.db", tmp_path)
        yield Place(tmp_path, None)
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = await postgres.make_database(tables=tables)
    yield Place(tmp_path, url)
    await (postgres.take_back(url) if tables else postgres.drop_database(url))


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, tables: bool) -> AsyncIterator[Place]:
    async with make_place(request, tmp_path, tables=tables) as place:
        yield place


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    store = await place.open()
    yield store
    await store.close()
