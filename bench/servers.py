"""Measure a library on a real PostgreSQL and a real Chroma server: moving it there and back, and outages of both.

    uv run python -m bench.servers

It starts both servers itself, in folders of their own, as the tests do.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.commands.copy import copy
from retrieval.embedding.local import LocalEmbedder
from retrieval.errors import DatabaseAwayError
from retrieval.index.chroma_server import ChromaServer
from retrieval.library import Library
from retrieval.sources import open_source
from storage.engine import create_engine
from tests.papers import plain
from tests.servers import Chroma, Postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

QUERIES = 40
IDLE = 1.2  # seconds after which a connection is asked for a sign of life


async def main() -> None:
    """Measure in a temporary folder."""
    postgres = Postgres().start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "chroma").mkdir()
        chroma = Chroma(folder / "chroma").start()
        try:
            await measure(folder, postgres, chroma)
        finally:
            chroma.kill()
            postgres.remove()


async def measure(folder: Path, postgres: Postgres, chroma: Chroma) -> None:
    """Move the shipped papers, then take the servers away."""
    papers = plain(open_source("seeds").papers)
    database = await postgres.make_database()
    async with opened(folder / "embedded", folder) as library:
        await library.add(papers)
        counts = await library.counts()
        before = await ranked(library, [paper.title for paper in papers[:QUERIES]])
    print(f"{counts.papers} papers, {counts.chunks} chunks")
    print(f"copied to PostgreSQL in {await seconds(copy(str(folder / 'embedded'), database)):.1f} s")
    print(f"copied back in {await seconds(copy(database, str(folder / 'back'))):.1f} s")
    async with opened(folder / "served", folder, database=database, chroma=ChromaServer(chroma.url)) as library:
        print(f"Chroma server filled in {await seconds(library.index_pending()):.1f} s")
        after = await ranked(library, [paper.title for paper in papers[:QUERIES]])
        print(f"{sum(map(list.__eq__, before, after))} of {QUERIES} queries with the same papers in the same order")
        await without_chroma(library, chroma)
        await without_postgres(library, postgres, database)


async def without_chroma(library: Library, chroma: Chroma) -> None:
    """Pause the Chroma server, and see how long a search takes and when vectors are searched again."""
    chroma.pause()
    times = [await seconds(library.search(f"robots {number}")) for number in range(4)]
    print("searches while Chroma is paused: " + ", ".join(f"{each:.2f}" for each in times) + " s")
    chroma.resume()
    began = time.monotonic()
    while library.gaps.vectors:
        await library.search("robots")
        await asyncio.sleep(0.1)
    print(f"vectors again after {time.monotonic() - began:.1f} s")


async def without_postgres(library: Library, postgres: Postgres, database: str) -> None:
    """Pause the PostgreSQL server, and see how soon that is noticed."""
    await asyncio.sleep(IDLE)
    postgres.pause()
    print(f"PostgreSQL paused, on a connection that was idle: {await away(library.counts()):.1f} s")
    postgres.resume()
    engine = create_engine(database)

    async def sleep() -> None:
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(1)"))

    asleep = asyncio.create_task(sleep())
    await asyncio.sleep(0.5)
    postgres.pause()
    print(f"PostgreSQL paused, for a statement in flight: {0.5 + await away(asleep):.1f} s")
    postgres.kill()
    print(f"PostgreSQL killed: {await away(library.counts()):.1f} s")
    await engine.dispose()
    postgres.start()
    began = time.monotonic()
    while True:
        with suppress(DatabaseAwayError):
            await library.counts()
            break
        await asyncio.sleep(0.1)
    print(f"answered again after {time.monotonic() - began:.1f} s")


async def away(work: Awaitable[object]) -> float:
    """Seconds until DatabaseAwayError is raised."""
    began = time.monotonic()
    with suppress(DatabaseAwayError):
        await work
        raise AssertionError
    return time.monotonic() - began


async def seconds(work: Awaitable[object]) -> float:
    """Time something, in seconds."""
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def ranked(library: Library, queries: list[str]) -> list[list[str]]:
    """The ids found for each query."""
    return [[hit.paper.paper_id for hit in await library.search(query)] for query in queries]


@asynccontextmanager
async def opened(
    data_dir: Path, models: Path, *, database: str | None = None, chroma: ChromaServer | None = None
) -> AsyncIterator[Library]:
    """Open a library and close it at the end."""
    library = await Library.open(data_dir, LocalEmbedder(cache_dir=models), database_url=database, chroma=chroma)
    yield library
    await library.close()


if __name__ == "__main__":
    asyncio.run(main())
