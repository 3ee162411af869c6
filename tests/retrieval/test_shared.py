"""Several processes share a library on a real PostgreSQL and a real Chroma server, each with its own folder."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import chromadb
import numpy as np
import pytest

from retrieval.catalogue.index_lease import KEY, STALE
from retrieval.errors import BadInputError
from retrieval.fulltext.article import FullText, Section
from retrieval.index.chroma_server import ChromaServer
from retrieval.index.chunker import chunk
from retrieval.library import Library
from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched
from tests.retrieval.consistency import assert_consistent
from tests.retrieval.index.test_self_check import NumberEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from numpy.typing import NDArray

    from tests.servers import Chroma, Postgres

ROOT = Path(__file__).parents[2]
SEEN_WITHIN = 5.0  # seconds
SUBJECTS = ("otters", "lighthouses", "glaciers", "violins", "harbours", "comets")


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.index.indexer.GRACE", timedelta(seconds=0.5))


class Shared:
    """Start processes of one library, each with its own folder."""

    def __init__(self, tmp_path: Path, database: str, chroma: Chroma) -> None:
        self._tmp_path = tmp_path
        self._database = database
        self._chroma = chroma

    @asynccontextmanager
    async def process(
        self, name: str, embedder: NumberEmbedder | None = None, *, rebuild: bool = False
    ) -> AsyncIterator[Library]:
        folder = self._tmp_path / name
        folder.mkdir(exist_ok=True)
        library = await Library.open(
            folder,
            embedder or NumberEmbedder(),
            database_url=self._database,
            chroma=ChromaServer(self._chroma.url),
            rebuild=rebuild,
        )
        await library.index_pending()
        yield library
        await library.close()

    @asynccontextmanager
    async def killed(self, name: str, how: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start a real process that stops half-way, as `sharing` describes; the test kills it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.retrieval.sharing"),
            *(str(self._tmp_path / name), self._database, self._chroma.url, how),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await _says(process, "open")
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == f"{word}\n".encode()


@pytest.fixture
def shared(tmp_path: Path, database: str, chroma: Chroma) -> Shared:
    return Shared(tmp_path, database, chroma)


def paper(subject: str) -> Paper:
    text = f"We study {subject} at length. Our {subject} are measured every day. Nothing else is like {subject}."
    return Paper(f"p:{subject}", f"On {subject}", text, "test")


def papers() -> list[Paper]:
    return [paper(subject) for subject in SUBJECTS]


async def first(library: Library, query: str) -> tuple[str, float] | None:
    hits = await library.search(query, limit=1)
    return (hits[0].paper.paper_id, round(hits[0].score, 4)) if hits else None


async def soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SEEN_WITHIN
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def finds(library: Library, query: str, paper_id: str) -> None:
    """Wait until a search finds a paper first."""
    end, found = time.monotonic() + SEEN_WITHIN, None
    while time.monotonic() < end:
        found = await first(library, query)
        if (found and found[0]) == paper_id:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{query!r} still finds {found}, not {paper_id}, after {SEEN_WITHIN} s")


async def test_a_second_process_with_an_empty_folder_harms_nobody_and_finds_the_same(shared: Shared) -> None:
    asking = NumberEmbedder()
    async with shared.process("a") as one:
        await one.add(papers())
        before = [await first(one, f"On {subject}") for subject in SUBJECTS]
        for _ in range(2):
            async with shared.process("b", asking) as other:
                assert [await first(other, f"On {subject}") for subject in SUBJECTS] == before
                assert await other.titles.find("on", 25) == await one.titles.find("on", 25) != []
            assert [await first(one, f"On {subject}") for subject in SUBJECTS] == before
    assert asking.asked == 2 * len(SUBJECTS)  # only the questions


async def test_two_that_take_papers_in_at_once_embed_each_once(shared: Shared) -> None:
    embedders = NumberEmbedder(), NumberEmbedder()
    async with shared.process("a", embedders[0]) as one, shared.process("b", embedders[1]) as other:
        await asyncio.gather(one.add(papers()), other.add(papers()))
        assert (await one.counts()).pending == 0
        texts = sum(1 + len(part.sentences) for each in papers() for part in chunk(each, embedders[0]))
        assert sum(each.asked for each in embedders) <= texts
        for subject in SUBJECTS:
            await finds(other, f"On {subject}", f"p:{subject}")
            await finds(one, f"On {subject}", f"p:{subject}")


async def test_what_one_takes_in_changes_or_removes_the_other_sees_soon(shared: Shared) -> None:
    async with shared.process("a") as one, shared.process("b") as other:
        await one.add(papers())
        await finds(other, "On comets", "p:comets")
        await soon(lambda: other._lexical.count() == len(SUBJECTS))
        assert {paper_id for paper_id, _ in await other.titles.find("on", 25)} == {
            f"p:{subject}" for subject in SUBJECTS
        }

        second = replace(paper("comets"), abstract="This version is about marmots alone. Marmots whistle.")
        await one.add([second])
        await soon(lambda: other._lexical.has("marmots"))
        found = await other.get("p:comets")
        assert found is not None
        assert "marmots" in found.abstract

        await one.remove(["p:comets"])
        await soon(lambda: not other._lexical.has("marmots"))
        assert "p:comets" not in {hit.paper.paper_id for hit in await other.search("On comets")}
        await one.restore(["p:comets"])
        await finds(other, "On comets", "p:comets")

        await one.add([Fetched(second, withdrawn=True)])
        await soon(lambda: not other._lexical.has("marmots"))
        assert "p:comets" not in {hit.paper.paper_id for hit in await other.search("On comets")}


async def test_who_is_killed_in_the_midst_of_indexing_is_taken_over_from_and_nothing_is_embedded_again(
    shared: Shared,
) -> None:
    embedder = NumberEmbedder()
    async with shared.process("b", embedder) as other, shared.killed("a", "indexing") as process:
        await _says(process, "here")
        taking_over = asyncio.create_task(other.index_pending())
        await asyncio.sleep(1.0)
        assert not taking_over.done()  # one at a time
        assert (await other.counts()).pending == len(SUBJECTS)
        process.kill()
        assert await asyncio.wait_for(taking_over, SEEN_WITHIN) == len(SUBJECTS)
        assert embedder.asked == 0
        await assert_consistent(other)
        await finds(other, "On comets", "p:comets")


class SlowEmbedder(NumberEmbedder):
    """Pause before each batch until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.goes_on = asyncio.Event(), asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.began.set()
        await self.goes_on.wait()
        return await super().embed(texts)


async def cut_lock(database: str) -> int:
    """Cut each connection that holds the lock for indexing; returns how many there were."""
    holders = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = $1"
    connection = await asyncpg.connect(database)
    rows = await connection.fetch(holders, KEY)
    await connection.close()
    return len(rows)


async def test_whose_lock_is_cut_while_it_embeds_keeps_its_turn_and_nothing_is_embedded_twice(
    shared: Shared, database: str
) -> None:
    slow, other_embedder = SlowEmbedder(), NumberEmbedder()
    async with shared.process("a", slow) as one, shared.process("b", other_embedder) as other:
        adding = asyncio.create_task(one.add(papers()))
        await slow.began.wait()
        taking_over = asyncio.create_task(other.index_pending())
        await asyncio.sleep(1.0)
        assert await cut_lock(database) == 1
        await asyncio.sleep(STALE.total_seconds() + 1.0)
        assert not taking_over.done()
        assert await cut_lock(database) == 1  # it has the lock again, and loses it once more
        slow.goes_on.set()
        await asyncio.gather(adding, taking_over)
        assert other_embedder.asked == 0
        stored = (await one._catalogue.chunks_of(await one.ids())).values()
        assert slow.asked == sum(1 + len(window.contents.spans) for windows in stored for window in windows)
        await assert_consistent(one)


async def test_who_gives_no_sign_loses_its_turn_and_writes_nothing_more(
    shared: Shared, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.catalogue.index_lease.STALE", timedelta(seconds=0.5))
    # Like a machine that sleeps or is cut off.
    monkeypatch.setattr("retrieval.catalogue.index_lease.RENEWED_EVERY", timedelta(minutes=10))
    monkeypatch.setattr("retrieval.index.indexer.WORKERS_PATIENCE", timedelta(seconds=1))  # its claims stand
    slow = SlowEmbedder()
    async with shared.process("a", slow) as one, shared.process("b") as other:
        adding = asyncio.create_task(one.add(papers()))
        await slow.began.wait()
        await cut_lock(database)
        await other.add([replace(paper("comets"), abstract="This version is about marmots alone. Marmots whistle.")])
        assert (await other.counts()).pending == 0
        chunks = (await other.counts()).chunks
        slow.goes_on.set()
        await adding
        assert (await other.counts()).chunks == chunks
        (hit,) = await other.search("On comets", limit=1)
        assert "marmots" in hit.passages[0].text
        await assert_consistent(one)
        await assert_consistent(other)


async def test_vectors_written_too_late_are_written_again(
    shared: Shared, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.catalogue.index_lease.STALE", timedelta(seconds=0.5))
    # Like a machine that sleeps or is cut off.
    monkeypatch.setattr("retrieval.catalogue.index_lease.RENEWED_EVERY", timedelta(minutes=10))
    async with shared.process("a") as one, shared.process("b") as other:
        began, goes_on = threading.Event(), threading.Event()
        upsert = one._parts.dense.upsert

        def late(ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
            began.set()
            assert goes_on.wait(60)
            upsert(ids, vectors)

        monkeypatch.setattr(one._parts.dense, "upsert", late)
        adding = asyncio.create_task(one.add([paper("comets")]))
        await asyncio.to_thread(began.wait)
        await cut_lock(database)
        await other.add([replace(paper("comets"), abstract="This version is about marmots alone. Marmots whistle.")])
        goes_on.set()
        await adding
        await soon(lambda: other._lexical.has("marmots"))
        (window,) = await other._catalogue.windows_of(["p:comets"])
        held = other._parts.dense._ask(lambda known: known.get(ids=["p:comets#0"], include=["embeddings"]))[
            "embeddings"
        ]
        assert np.allclose(np.asarray(held)[0], np.frombuffer(window[1], np.float32), atol=1e-6)


async def test_a_follower_that_is_killed_between_its_index_and_its_note_doubles_and_loses_nothing(
    shared: Shared,
) -> None:
    async with shared.process("a") as one:
        async with shared.killed("b", "following") as process:
            await one.add(papers())
            await _says(process, "here")
            process.kill()
        await one.remove(["p:comets"])
        async with shared.process("b") as other:
            await assert_consistent(other)
            assert await first(other, "On otters") == await first(one, "On otters")
        await assert_consistent(one)


async def test_two_libraries_on_one_server_know_nothing_of_each_other(
    tmp_path: Path, postgres: Postgres, database: str, chroma: Chroma
) -> None:
    strangers = Shared(tmp_path / "x", await postgres.make_database(), chroma)
    (tmp_path / "x").mkdir()
    async with Shared(tmp_path, database, chroma).process("a") as one:
        await one.add(papers())
        async with strangers.process("s") as other:
            await other.add([paper("beavers")])
        async with strangers.process("s", rebuild=True) as other:
            assert await first(other, "On beavers") is not None
            assert {hit.paper.paper_id for hit in await other.search("On otters")} == {"p:beavers"}
        assert (await first(one, "On otters") or "")[0] == "p:otters"


async def test_a_rebuild_takes_nothing_from_others_and_leaves_one_collection(
    shared: Shared, chroma: Chroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.index.indexer.GRACE", timedelta(seconds=3))
    async with shared.process("a") as one:
        await one.add(papers())
        server = chromadb.HttpClient(port=chroma.port)
        before = {each.name for each in server.list_collections()}

        async def ask_on(rebuilt: asyncio.Event) -> None:
            while not rebuilt.is_set():
                assert (await first(one, "On violins") or "")[0] == "p:violins"
                await asyncio.sleep(0.05)

        rebuilt = asyncio.Event()
        asking = asyncio.create_task(ask_on(rebuilt))
        embedder = NumberEmbedder()
        async with shared.process("b", embedder, rebuild=True) as other:
            assert (await first(other, "On violins") or "")[0] == "p:violins"
        rebuilt.set()
        await asking
        assert (await first(one, "On violins") or "")[0] == "p:violins"
        assert len({each.name for each in server.list_collections()}) == len(before)
        assert embedder.asked == 1  # only the question


async def test_an_emptied_server_is_filled_again_without_embedding(shared: Shared, chroma: Chroma) -> None:
    async with shared.process("a") as one:
        await one.add(papers())
    server = chromadb.HttpClient(port=chroma.port)
    for each in server.list_collections():
        server.delete_collection(each.name)
    embedder = NumberEmbedder()
    async with shared.process("b", embedder) as other:
        assert embedder.asked <= 1
        assert (await first(other, "On glaciers") or "")[0] == "p:glaciers"


async def make_outdated(library: Library, database: str) -> str:
    """Make a library look like one of an earlier version, with sentences on the server too; returns its collection."""
    counts = {}
    for paper_id, windows in (await library._catalogue.chunks_of(await library.ids())).items():
        sentences = np.concatenate([window.contents.sentences for window in windows])
        counts[paper_id] = len(windows) + len(sentences)
        names = [f"{paper_id}#{position}" for position in range(len(windows), counts[paper_id])]
        library._parts.dense.upsert(names, np.asarray(sentences, np.float32))
    stamp = library._parts.dense.expected.removesuffix("/windows")
    library._parts.dense._ask(lambda known: cast("Any", known).modify(metadata={"stamp": stamp}))
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE library_state SET stamp = $1", stamp)
    rows = [(count, paper_id) for paper_id, count in counts.items()]
    await connection.executemany("UPDATE papers SET indexed_chunks = $1 WHERE paper_id = $2", rows)
    await connection.close()
    return library._parts.dense.name


async def test_the_server_of_an_earlier_version_is_filled_anew_while_everybody_searches(
    shared: Shared, database: str, chroma: Chroma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.index.indexer.GRACE", timedelta(seconds=3))
    server = chromadb.HttpClient(port=chroma.port)
    async with shared.process("a") as one:
        await one.add(papers())
        old = await make_outdated(one, database)
        embedder = NumberEmbedder()
        start = partial(Library.open, tmp_path / "b", embedder, database_url=database, chroma=ChromaServer(chroma.url))

        # A rebuild that is interrupted, as by a kill: nothing is lost, and searches still use the old collection.
        async def stop(*_: object) -> None:
            raise KeyboardInterrupt

        other = await start()
        assert [await first(other, f"On {each}") for each in SUBJECTS] == [
            await first(one, f"On {each}") for each in SUBJECTS
        ]
        monkeypatch.setattr(other._catalogue, "note_windows", stop)
        with pytest.raises(KeyboardInterrupt):
            await other.index_pending()
        await other.close()
        assert old in {each.name for each in server.list_collections()}

        other = await start()
        filling = asyncio.create_task(other.index_pending())
        while not filling.done():
            for library in (one, other):
                assert (await first(library, "On violins") or "")[0] == "p:violins"
            await asyncio.sleep(0.05)
        await filling
        assert embedder.asked == len(SUBJECTS) + 1  # only the questions, one of them both before and after
        assert old not in {each.name for each in server.list_collections()}
        await assert_consistent(other)
        await other.close()
        assert (await first(one, "On violins") or "")[0] == "p:violins"
        await assert_consistent(one)


async def test_another_model_is_refused_and_changes_nothing(shared: Shared) -> None:
    async with shared.process("a") as one:
        await one.add(papers())
        stranger = NumberEmbedder()
        stranger.model = "other numbers"
        with pytest.raises(BadInputError, match="footnote rebuild"):
            async with shared.process("b", stranger):
                pass
        assert (await first(one, "On harbours") or "")[0] == "p:harbours"


async def test_a_full_text_that_one_takes_in_is_looked_into_by_the_others(shared: Shared) -> None:
    whole = FullText(3, (Section("2 Traps", "We set 17 traps of oak along the river.", ((0, 3),)),))
    async with shared.process("a") as one, shared.process("b") as other:
        await one.add([*papers(), Fetched(paper("otters"), full_text=whole)])
        await finds(other, "On otters", "p:otters")
        for library in (one, other):
            assert (await library.counts()).full_texts == 1
            vectors = await library.embed("On otters")
            parts = await library.full_text_passages("On otters", vectors, await library.search("On otters"))
            assert [(part.paper.abstract, part.location and part.location.page_at(0)) for part in parts] == [
                (whole.sections[0].text, 3)
            ]
        await other.remove(["p:otters"])
        assert (await one.counts()).full_texts == 0
