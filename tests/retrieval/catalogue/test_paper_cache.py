"""The paper cache reads each paper once, until it changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.catalogue.catalogue import Catalogue
from retrieval.catalogue.contents import Contents, Embedded
from retrieval.catalogue.paper_cache import PaperCache
from retrieval.papers import Chunk, Paper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from retrieval.catalogue.catalogue import StoredChunk

CATS = Paper("cats", "Cats", "Cats sit.", "test")
DOGS = Paper("dogs", "Dogs", "Dogs run.", "test")
BOTH = [CATS.paper_id, DOGS.paper_id]


class Watched(Catalogue):
    """Record what is read, and let a test hold a read back."""

    asked: list[list[str]]
    gate: asyncio.Event
    reading: asyncio.Event

    async def chunks_of(self, paper_ids: Iterable[str]) -> dict[str, list[StoredChunk]]:
        ids = list(paper_ids)
        self.asked.append(ids)
        found = await super().chunks_of(ids)
        self.reading.set()
        await asyncio.wait_for(self.gate.wait(), 10)
        return found


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[Watched]:
    catalogue = await Watched.open(f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}")
    assert isinstance(catalogue, Watched)
    catalogue.asked, catalogue.gate, catalogue.reading = [], asyncio.Event(), asyncio.Event()
    catalogue.gate.set()
    await catalogue.add([CATS, DOGS])
    await store(catalogue, CATS, 1.0)
    await store(catalogue, DOGS, 2.0)
    yield catalogue
    await catalogue.close()


async def store(catalogue: Catalogue, paper: Paper, value: float) -> None:
    contents = Contents.of([], np.zeros((0, 4), np.float32), b"words")
    made = [
        (Chunk(paper.paper_id, at, 0, 9, paper.abstract), Embedded(np.full(4, value, np.float32), contents))
        for at in range(2)
    ]
    await catalogue.store_chunks(made, "model")


async def test_what_was_read_is_not_read_again(catalogue: Watched) -> None:
    paper_cache = PaperCache(catalogue)
    first = await paper_cache.chunks(["cats"])
    assert [len(chunks) for chunks in first.values()] == [2]
    assert set(await paper_cache.chunks([*BOTH, "unknown"])) == set(BOTH)
    await paper_cache.chunks(BOTH)
    assert catalogue.asked == [["cats"], ["dogs", "unknown"]]


async def test_windows_are_rows(catalogue: Watched) -> None:
    paper_cache = PaperCache(catalogue)
    for _ in range(2):
        windows = await paper_cache.windows(BOTH)
        assert {name: rows.tolist() for name, rows in windows.items()} == {
            "cats": [[1.0] * 4] * 2,
            "dogs": [[2.0] * 4] * 2,
        }
        assert await paper_cache.papers(["dogs", "unknown"]) == {"dogs": DOGS}


async def test_what_changed_is_read_anew(catalogue: Watched) -> None:
    paper_cache = PaperCache(catalogue)
    await paper_cache.windows(BOTH)
    await store(catalogue, CATS, 3.0)
    paper_cache.forget(["cats"])
    assert (await paper_cache.windows(["cats"]))["cats"][0, 0] == 3.0


async def test_what_was_replaced_while_it_was_read_is_not_kept(catalogue: Watched) -> None:
    paper_cache = PaperCache(catalogue)
    catalogue.gate.clear()
    reading = asyncio.create_task(paper_cache.chunks(["cats"]))
    await asyncio.wait_for(catalogue.reading.wait(), 10)
    await store(catalogue, CATS, 3.0)
    paper_cache.forget(["cats"])
    catalogue.gate.set()
    await asyncio.wait_for(reading, 10)
    assert (await paper_cache.chunks(["cats"]))["cats"][0].vector[0] == 3.0
