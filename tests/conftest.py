from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from bot.store import Store
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.sources import open_source
from tests.papers import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from retrieval.papers import Paper
    from tests.servers import Chroma, Postgres

# How long an example takes says more about the machine than about the code. The same examples every time: a check says
# the same twice, and Hypothesis, which with some seeds mutates the same two examples for ever, does not begin to.
# `--hypothesis-profile=default` looks for new ones, and for more of them.
settings.register_profile("footnote", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("footnote")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    from tests.servers import Postgres

    server = Postgres().start()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that a test may pause and kill; it runs again for the next one."""
    yield postgres_server
    postgres_server.restore()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database of the test's own, with empty tables."""
    url = await postgres.make_database()
    yield url
    postgres.restore()
    await postgres.drop_database(url)


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroma]:
    from tests.servers import Chroma

    server = Chroma(tmp_path_factory.mktemp("chroma")).start()
    yield server
    server.kill()


@pytest.fixture
def chroma(chroma_server: Chroma) -> Iterator[Chroma]:
    """A Chroma server that a test may pause, kill and empty; it runs again for the next one."""
    yield chroma_server
    chroma_server.restore()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the session's MiniLM is built in, once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
async def embedder(models: Path) -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder(cache_dir=models)
    yield embedder
    await embedder.close()


@pytest.fixture(scope="session")
def seeds() -> list[Paper]:
    return plain(open_source("seeds").papers)


@pytest.fixture(scope="session")
def empty_dir(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A data dir whose databases have their tables, which takes a while to make, and no rows."""
    folder = tmp_path_factory.mktemp("empty") / "data"

    async def make() -> None:
        embedder = LocalEmbedder(cache_dir=models)
        library = await Library.open(folder, embedder)
        store = await Store.open(folder)
        await store.close()
        await library.close()
        await embedder.close()

    asyncio.run(make())
    return folder


@pytest.fixture
async def library(tmp_path: Path, empty_dir: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """An empty library in a folder of its own."""
    await asyncio.to_thread(shutil.copytree, empty_dir, tmp_path / "data", ignore=shutil.ignore_patterns("memory.db*"))
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()


@pytest.fixture(scope="session")
def seeded_dir(tmp_path_factory: pytest.TempPathFactory, models: Path, seeds: list[Paper]) -> Path:
    """A data dir that holds seeds/, made once and only ever copied."""
    folder = tmp_path_factory.mktemp("seeded") / "data"

    async def fill() -> None:
        library = await Library.open(folder, LocalEmbedder(cache_dir=models))
        await library.add(seeds)
        await library.close()

    asyncio.run(fill())
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture
async def seeded(tmp_path: Path, seeded_dir: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """A library of its own that holds seeds/."""
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()
