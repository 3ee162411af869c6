"""Indexes that have lost something: at the next start the missing papers are indexed again, and no others."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.library import Library
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PAPERS = 12
VECTORS = ("data_level0", "link_lists", "length", "header")
SENTENCES = 100  # per paper; Chroma writes its vector file every thousand vectors, and has a log for the rest


class NumberEmbedder:
    """Embed each text as a random vector that is fixed for it, or all texts as the same vector."""

    model = "numbers"
    dimensions = 16
    max_tokens = 256

    def __init__(self, *, alike: bool = False) -> None:
        self._alike = alike
        self.asked = 0

    def count_tokens(self, text: str) -> int:
        return 2 + len(text.split())

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += len(texts)
        drawn = [np.random.default_rng(0 if self._alike else list(text.encode())).normal(size=16) for text in texts]
        return np.asarray([vector / np.linalg.norm(vector) for vector in drawn], np.float32)

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


class SmallEmbedder(NumberEmbedder):
    """Accept no more than a title and one sentence, so that each sentence becomes a window."""

    max_tokens = 10


def _papers() -> list[Paper]:
    return [
        Paper(f"p{at}", f"Title {at}", " ".join(f"Sentence {at} of {n} cats." for n in range(SENTENCES)), "test")
        for at in range(PAPERS)
    ]


async def _fill(folder: Path, embedder: SmallEmbedder) -> None:
    library = await Library.open(folder, embedder)
    await library.add(_papers())
    await library.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    asyncio.run(_fill(folder, SmallEmbedder()))
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data")
    return tmp_path / "data"


async def _lacks_nothing(library: Library) -> bool:
    held = await library._catalogue.indexed()
    ids = [f"{paper_id}#{position}" for paper_id, count in held.items() for position in range(count)]
    found = {hit.paper.paper_id for paper in _papers() for hit in await library.search(paper.title, limit=1)}
    return len(held) == len(found) == PAPERS and not library._parts.dense.lacking(ids)


async def test_vectors_that_are_all_alike_are_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await _fill(tmp_path, SmallEmbedder(alike=True))
    for _ in range(3):
        again = await Library.open(tmp_path, SmallEmbedder(alike=True))
        assert (again.fault, (await again.counts()).pending) == (None, 0)
        await again.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_only_the_papers_whose_vectors_or_words_are_missing_are_indexed_again(folder: Path) -> None:
    library = await Library.open(folder, SmallEmbedder())
    library._lexical.delete(["p2"])
    library._parts.dense.delete(["p5#1", "p11#0"])
    await library.close()

    embedder = SmallEmbedder()
    again = await Library.open(folder, embedder)
    assert (again.fault, (await again.counts()).pending) == (None, 2)  # the lexical index is repaired during the start
    assert await again.index_pending() == 2
    assert embedder.asked == 0
    assert await _lacks_nothing(again)
    await again.close()


async def test_vectors_whose_ids_chroma_still_knows_are_missed_and_written_again(folder: Path) -> None:
    (vectors,) = {file.parent for file in (folder / "chroma").rglob("data_level0.bin")}
    shutil.rmtree(vectors)
    library = await Library.open(folder, SmallEmbedder())
    assert library.fault is None
    for stored in (await library._catalogue.chunks_of(["p3"]))["p3"]:
        library._parts.dense.upsert([f"p3#{stored.position}"], stored.vector[None, :])
    await library.close()

    embedder = SmallEmbedder()
    again = await Library.open(folder, embedder)
    pending = (await again.counts()).pending
    assert again.fault is None
    assert 0 < pending < PAPERS  # the last ones are still in Chroma's log
    assert await again.index_pending() == pending
    assert embedder.asked == 0
    assert await _lacks_nothing(again)
    await again.close()


@pytest.mark.parametrize(
    "part", ["index_metadata.pickle", "data_level0.bin", "link_lists.bin", "length.bin", "header.bin"]
)
async def test_a_file_cut_in_two_is_mended_without_an_embedding(folder: Path, part: str) -> None:
    (file,) = (folder / "chroma").rglob(part)
    os.truncate(file, file.stat().st_size // 2)
    embedder = SmallEmbedder()
    again = await Library.open(folder, embedder)
    await again.index_pending()
    assert (again.fault, (await again.counts()).pending, embedder.asked) == (None, 0, 0)
    assert await _lacks_nothing(again)
    await again.close()
