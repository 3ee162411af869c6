from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from retrieval.embedding.local import LocalEmbedder

from retrieval.library import Library
from retrieval.sources import open_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from retrieval.papers import Paper


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
    return list(open_source("seeds").papers)


@pytest.fixture
async def library(tmp_path: Path, embedder: LocalEmbedder) -> AsyncIterator[Library]:
    """An empty library in a folder of its own."""
    library = await Library.open(tmp_path / "data", embedder)
    yield library
    await library.close()
