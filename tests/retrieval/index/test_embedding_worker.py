"""Workers embed the texts that a shared library waits for, beside the indexing process, and nothing twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from retrieval.catalogue.catalogue import Catalogue
from retrieval.errors import BadInputError
from retrieval.index.chunker import chunk
from retrieval.index.embedding_worker import embed_pending
from retrieval.index.stamp import stamp_of
from retrieval.papers import Paper
from tests.retrieval.consistency import assert_consistent
from tests.retrieval.index.test_self_check import NumberEmbedder
from tests.retrieval.test_shared import shared  # noqa: F401  # a fixture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tests.retrieval.test_shared import Shared

PAPERS = [
    Paper(f"p{at}", f"Title {at}", f"Cats sit on {at} mats. Dogs sit on none of the {at}.", "test") for at in range(200)
]


class SlowEmbedder(NumberEmbedder):
    """Take a while for each batch, so that others get their turn."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        await asyncio.sleep(0.05)
        return await super().embed(texts)


class StuckEmbedder(NumberEmbedder):
    """Never finish a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.begun.set()
        await asyncio.Event().wait()
        return await super().embed(texts)


@pytest.fixture
async def catalogue(database: str) -> AsyncIterator[Catalogue]:
    catalogue = await Catalogue.open(database)
    yield catalogue
    await catalogue.close()


def texts(papers: Sequence[Paper]) -> int:
    """Count the texts that are embedded for papers."""
    return sum(1 + len(part.sentences) for each in papers for part in chunk(each, NumberEmbedder()))


async def test_workers_and_the_one_that_indexes_embed_each_paper_once(shared: Shared, catalogue: Catalogue) -> None:  # noqa: F811
    workers = [SlowEmbedder() for _ in range(3)]
    async with shared.process("a", own := SlowEmbedder()) as library:
        await catalogue.add(PAPERS)
        stamp = stamp_of(own)
        *done, indexed = await asyncio.gather(
            *(embed_pending(catalogue, each, stamp) for each in workers), library.index_pending()
        )
        assert indexed == len(PAPERS)
        assert 0 < sum(done) < len(PAPERS)
        assert sum(each.asked for each in (*workers, own)) == texts(PAPERS)
        await assert_consistent(library)


async def test_what_a_worker_that_was_stopped_had_claimed_is_embedded_by_the_next(
    shared: Shared,  # noqa: F811
    catalogue: Catalogue,
) -> None:
    async with shared.process("a", own := NumberEmbedder()) as library:
        await catalogue.add(PAPERS[:40])
        stuck = StuckEmbedder()
        worker = asyncio.create_task(embed_pending(catalogue, stuck, stamp_of(stuck)))
        await asyncio.wait_for(stuck.begun.wait(), 10)
        indexing = asyncio.create_task(library.index_pending())
        await asyncio.sleep(1.5)
        assert not indexing.done()  # the texts that the worker has claimed are left to it
        assert own.asked == texts(PAPERS[:8])
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert await asyncio.wait_for(indexing, 20) == 40
        await assert_consistent(library)


async def test_a_worker_that_embeds_otherwise_is_refused(shared: Shared, catalogue: Catalogue) -> None:  # noqa: F811
    async with shared.process("a"):
        with pytest.raises(BadInputError, match="FOOTNOTE_EMBEDDING"):
            await embed_pending(catalogue, NumberEmbedder(), "another/16/chunks 1/windows")
