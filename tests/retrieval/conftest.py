"""A fresh catalogue for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from retrieval.catalogue.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import Postgres


@pytest.fixture
def tables() -> bool:
    """Whether a new database already has the current tables, which saves each test the migrations."""
    return True


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path, tables: bool) -> AsyncIterator[str]:
    if request.param == "sqlite":
        if tables:
            shutil.copy(request.getfixturevalue("tables_dir") / "footnote.db", tmp_path)
        yield f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = await postgres.make_database(tables=tables)
    yield url
    await postgres.take_back(url)


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    catalogue = await Catalogue.open(database_url)
    yield catalogue
    await catalogue.close()
