"""Papers are removed and restored: no source brings removed ones back, and a kill leaves nothing half done."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from retrieval.catalogue.catalogue import Added, Catalogue
from retrieval.catalogue.catalogue_tables import papers
from retrieval.catalogue.removal import UNDO, Restored
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched, identities
from tests.retrieval.consistency import assert_consistent, held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[3]
TITLE = "Cats that sit on mats"
CATS = Fetched(
    Paper("arxiv:2401.00001", TITLE, "Cats sit on the mat.", "arxiv", "https://arxiv.org/abs/2401.00001"),
    external_ids=identities(TITLE, arxiv_id="2401.00001"),
    authors=("Ada Byron",),
)
DOGS = Paper(identify("Dogs"), "Dogs", "Dogs run after the ball.", "seeds")
SPARE = [
    Paper(f"d{n}", f"Birds of kind {n}", f"Birds of kind {n} sing at dawn. They do it daily.", "beir") for n in range(8)
]
EVERYTHING = [paper.paper_id for paper in (CATS.paper, DOGS, *SPARE)]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def library(tmp_path: Path, embedder: LocalEmbedder, clock: Clock) -> AsyncIterator[Library]:
    library = await Library.open(tmp_path / "data", embedder, now=clock)
    await library.add([CATS, DOGS, *SPARE])
    yield library
    await library.close()


async def test_a_removed_paper_is_nowhere_to_be_found_and_comes_back_as_it_was(library: Library) -> None:
    before, known = await held(library), await library.known("arxiv:2401.00001")
    assert await library.remove(["arxiv:2401.00001", identify(TITLE), "nonsense"]) == ["arxiv:2401.00001"]
    await assert_consistent(library)
    assert [await library.get("arxiv:2401.00001"), await library.known(identify(TITLE))] == [None, None]
    assert all(hit.paper.title != TITLE for hit in await library.search(TITLE))
    assert not (await library.by_author("Ada Byron")).papers
    assert not (await library.lookup("https://arxiv.org/abs/2401.00001")).papers
    assert TITLE not in {title for _, title in await library.titles.find(TITLE, 25)}
    counts = await library.counts()
    assert (counts.papers, counts.removed, counts.withdrawn) == (9, 1, 0)
    assert await library.remove(["arxiv:2401.00001"]) == []
    assert await library.restore(["arxiv:2401.00001", DOGS.paper_id]) == Restored(("arxiv:2401.00001",))
    assert (await held(library), await library.known("arxiv:2401.00001")) == (before, known)
    assert (await library.search(TITLE))[0].paper == CATS.paper
    assert (await library.by_author("Ada Byron")).papers


async def test_undoing_a_removal_embeds_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    await library.remove(EVERYTHING)
    assert (await held(library))["dense"] == []

    async def embed(*_: object) -> object:
        raise AssertionError

    monkeypatch.setattr(library._embedder, "embed", embed)
    monkeypatch.setattr(library._embedder, "embed_words", embed)
    assert len((await library.restore(EVERYTHING)).back) == len(EVERYTHING)
    await assert_consistent(library)


async def test_a_removed_paper_stays_out_whatever_id_a_source_offers_it_under(library: Library) -> None:
    await library.remove([CATS.paper.paper_id])
    later = replace(CATS, paper=replace(CATS.paper, abstract="Cats sit on two mats."), version=2)
    listed = replace(CATS, paper=replace(CATS.paper, source="huggingface"), upvotes=3)
    by_title = Paper(identify(TITLE), TITLE, "Cats sit on the mat.", "seeds")
    other = Fetched(
        Paper("doi:10.1/other", TITLE, "Of something else, by somebody else.", "bibtex"),
        external_ids=identities(TITLE, doi="10.1/other"),
    )
    assert await library.add([later, listed, by_title]) == Added(known=3, removed=3)
    assert await library.get(CATS.paper.paper_id) is None
    assert await library.add([other]) == Added(new=1)  # sharing a title with a removed paper is not enough
    await library.restore([CATS.paper.paper_id])
    assert await library.get(CATS.paper.paper_id) == CATS.paper
    assert await library.add([later]) == Added(changed=1)
    await assert_consistent(library)


async def test_a_double_that_was_removed_takes_nothing_with_it(library: Library) -> None:
    journal = Fetched(
        Paper("doi:10.1/cats", "On cats", "Cats sit.", "bibtex"), external_ids=identities("On cats", doi="10.1/cats")
    )
    await library.add([journal])
    await library.remove(["doi:10.1/cats"])
    linking = replace(CATS, external_ids=(*CATS.external_ids, "doi:10.1/cats"), upvotes=9)
    assert await library.add([linking]) == Added(known=1)
    known = await library.known(CATS.paper.paper_id)
    assert known is not None
    assert known.details.upvotes == 9
    assert [each.paper_id for each in await library.removed()] == ["doi:10.1/cats"]
    assert await library.get("doi:10.1/cats") is None


async def test_what_other_sources_had_too_is_not_a_sources_alone(library: Library) -> None:
    await library.add([Paper(identify("Dogs"), "Dogs", "Dogs run after the ball.", "jsonl")])
    assert await library.only_from("beir") == [paper.paper_id for paper in SPARE]
    assert await library.only_from("seeds") == []
    assert await library.ids(source="seeds") == [DOGS.paper_id]


async def test_after_thirty_days_the_text_is_erased_and_undoing_lets_a_source_bring_it_anew(
    library: Library, clock: Clock
) -> None:
    await library.remove([CATS.paper.paper_id])
    clock.now += UNDO - dt.timedelta(minutes=1)
    await library.index_pending()
    assert [each.erased for each in await library.removed()] == [False]
    clock.now += dt.timedelta(minutes=2)
    await library.index_pending()
    assert [(each.title, each.erased) for each in await library.removed()] == [(TITLE, True)]
    assert await library.add([CATS]) == Added(known=1, removed=1)
    async with library._catalogue._database.engine.connect() as connection:
        row = (await connection.execute(sa.select(papers).where(papers.c.paper_id == CATS.paper.paper_id))).one()
    assert (row.abstract, row.authors, row.url) == ("", None, None)
    assert await library._catalogue.chunks_of([CATS.paper.paper_id]) == {}
    assert await library.restore([CATS.paper.paper_id]) == Restored(free=(CATS.paper.paper_id,))
    assert await library.removed() == []
    assert await library.add([CATS]) == Added(new=1)
    await assert_consistent(library)


async def test_a_removal_before_indexing_and_one_taken_back_before_leaving_end_well(catalogue: Catalogue) -> None:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    await catalogue.add([CATS, DOGS])
    assert await catalogue.remove([CATS.paper.paper_id], now) == [CATS.paper.paper_id]
    assert [each.paper for each in await catalogue.pending(10, "m")] == [DOGS]
    assert set(await catalogue.leaving(10)) == {CATS.paper.paper_id}
    await catalogue.restore([CATS.paper.paper_id])
    await catalogue.mark_left(list(await catalogue.leaving(10)))
    assert [each.paper.paper_id for each in await catalogue.pending(10, "m")] == [CATS.paper.paper_id, DOGS.paper_id]


# Each step of a removal and of its undo: the method before or after which the process dies.
STEPS = [
    ("remove", "catalogue.remove", "before"),
    ("remove", "catalogue.remove", "after"),
    ("remove", "dense.delete", "after"),
    ("remove", "lexical.delete", "after"),
    ("remove", "catalogue.mark_left", "after"),
    ("restore", "catalogue.restore", "after"),
    ("restore", "catalogue.store_chunks", "after"),
    ("restore", "dense.upsert", "after"),
    ("restore", "lexical.replace", "after"),
    ("restore", "catalogue.mark_indexed", "after"),
]

DYING = """
import asyncio, functools, inspect, os, signal, sys
from pathlib import Path
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library

data, models, work, method, when, *ids = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def deadly(call):
    async def awaited(*arguments):
        when == "before" and die()
        await call(*arguments)
        die()
    def called(*arguments):
        call(*arguments)
        die()
    return awaited if inspect.iscoroutinefunction(call) else called

async def main():
    library = await Library.open(Path(data), LocalEmbedder(cache_dir=Path(models)))
    part, name = method.split(".")
    owner = getattr(library._parts, part)
    setattr(owner, name, deadly(getattr(owner, name)))
    await getattr(library, work)(ids)

asyncio.run(main())
"""


@pytest.mark.parametrize(("work", "method", "when"), STEPS)
async def test_a_kill_at_any_step_leaves_everything_consistent(
    work: str, method: str, when: str, tmp_path: Path, embedder: LocalEmbedder, models: Path
) -> None:
    gone = sorted(paper.paper_id for paper in SPARE[:4])
    library = await Library.open(tmp_path / "data", embedder)
    await library.add([CATS, DOGS, *SPARE])
    if work == "restore":
        await library.remove(gone)
    await library.close()
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(script), str(tmp_path / "data"), str(models), work, method, when, *gone],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    library = await Library.open(tmp_path / "data", LocalEmbedder(cache_dir=models))
    try:
        await library.index_pending()
        assert library.fault is None
        await assert_consistent(library)
        removed = sorted(each.paper_id for each in await library.removed())
        assert removed == ([] if work == "restore" or when == "before" else gone)
        assert len(await library.ids()) == 10 - len(removed)
        assert bool(await library.get(gone[0])) is not bool(removed)
    finally:
        await library.close()
