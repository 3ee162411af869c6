"""Two processes with one library and one store, behind a PgBouncer that pools transactions on ten connections."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from bot.store import Store
from retrieval.errors import DatabaseAwayError
from storage.engine import create_engine
from tests.retrieval.consistency import assert_consistent
from tests.retrieval.index.test_self_check import NumberEmbedder
from tests.retrieval.test_shared import SUBJECTS, Shared, finds, first, paper, papers
from tests.servers import PgBouncer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Chroma, Postgres

pytestmark = pytest.mark.skipif(
    PgBouncer.program() is None, reason="there is no PgBouncer, which comes in no wheel: apt install pgbouncer"
)
SENTENCE_WITHIN = 5.0  # seconds
BACK_WITHIN = 10.0
SEARCHES = 60  # at once


@pytest.fixture
def bouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    folder = Path(tempfile.mkdtemp(prefix="footnote-pgbouncer-"))
    folder.chmod(0o755)
    server = PgBouncer(folder, postgres).start()
    yield server
    server.kill()
    shutil.rmtree(folder)


async def test_two_processes_take_in_search_and_count_behind_it(
    tmp_path: Path, database: str, chroma: Chroma, bouncer: PgBouncer
) -> None:
    shared = Shared(tmp_path, bouncer.url(database), chroma)
    embedders = NumberEmbedder(), NumberEmbedder()
    async with shared.process("a", embedders[0]) as one, shared.process("b", embedders[1]) as other:
        await asyncio.gather(one.add(papers()), other.add(papers()))
        counts = await one.counts()
        assert (counts.papers, counts.pending) == (len(SUBJECTS), 0)
        assert sum(each.asked for each in embedders) <= counts.chunks
        found = await asyncio.gather(
            *(first((one, other)[at % 2], f"On {SUBJECTS[at % len(SUBJECTS)]}") for at in range(SEARCHES))
        )
        assert [at and at[0] for at in found] == [f"p:{SUBJECTS[at % len(SUBJECTS)]}" for at in range(SEARCHES)]
        await other.add([paper("beavers")])
        await finds(one, "On beavers", "p:beavers")
        await assert_consistent(one)


async def test_limits_are_counted_together_behind_it(tmp_path: Path, database: str, bouncer: PgBouncer) -> None:
    stores = [await Store.open(tmp_path, bouncer.url(database)) for _ in range(2)]
    now = datetime.now(UTC)
    minute = timedelta(minutes=1)
    limits = [("person", 5, 7, minute), ("server", 6, 1000, minute)]
    waits: list[float] = []
    for _ in range(3):
        taken = (stores[at % 2].traffic.take("QUESTION", limits, now) for at in range(5))
        waits += await asyncio.gather(*taken)
    assert waits.count(0.0) == 7
    for store in stores:
        await store.close()


async def test_a_postgres_that_is_paused_behind_it_is_a_sentence_soon_and_nothing_afterwards(
    postgres: Postgres, database: str, bouncer: PgBouncer
) -> None:
    engine = create_engine(bouncer.url(database))

    async def ask() -> None:
        async with engine.begin() as connection:
            await connection.execute(sa.text("SELECT count(*) FROM papers"))

    await ask()
    for idle in (0.0, 1.2):  # seconds; after the longer pause, connections are checked before use
        await asyncio.sleep(idle)
        postgres.pause()
        began = time.monotonic()
        with pytest.raises(DatabaseAwayError):
            await ask()
        assert time.monotonic() - began < SENTENCE_WITHIN
        postgres.resume()
        end = time.monotonic() + BACK_WITHIN
        while True:
            try:
                await ask()
                break
            except DatabaseAwayError:
                assert time.monotonic() < end
                await asyncio.sleep(0.2)
    await engine.dispose()
