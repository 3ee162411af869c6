"""The bot fetches full texts of cited papers, over real sockets, on a clock that never really waits."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stamina

from bot.full_texts import EVERY, FullTextFetcher
from retrieval.fulltext.article import FullText, Section
from retrieval.library import Library
from retrieval.papers import Paper
from retrieval.sources import open_online
from retrieval.sources.web import Web
from tests.fulltext.printing import print_paper
from tests.local_sources import LocalClock, LocalPaper, LocalSources, fails, some_papers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from retrieval.embedding.local import LocalEmbedder

PAGE = (Path(__file__).parents[1] / "fulltext" / "pages" / "ridgeline.html").read_bytes()
OWN = Paper("d1", "Dogs", "Dogs run after the ball.", "jsonl")


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


class Bot:
    """A library with papers of arXiv and one that is not, and the ids that answers cited."""

    def __init__(self, library: Library, web: Web, local: LocalSources, clock: LocalClock) -> None:
        self.library, self.web, self.local, self.clock = library, web, local, clock
        self.papers: list[LocalPaper] = local.arxiv
        self.looks = 0
        self.looked_twice = asyncio.Event()
        self.cited: list[str] = [OWN.paper_id, *(f"arxiv:{paper.arxiv_id}" for paper in self.papers)]

    def fetcher(self, per_day: int = 10) -> FullTextFetcher:
        async def cited(since: dt.datetime, limit: int) -> Sequence[str]:
            assert since < self.clock.now()
            self.looks += 1
            if self.looks > 1:
                self.looked_twice.set()
            return self.cited[:limit]

        return FullTextFetcher(self.library, self.web, self.local.base_url, cited, per_day=per_day)

    def has(self, kind: str, at: int, data: bytes = PAGE) -> None:
        self.local.files[f"/{kind}/{self.papers[at].arxiv_id}"] = data

    def asked(self) -> list[str]:
        return [request.path for request in self.local.requests if request.path.startswith(("/html/", "/pdf/"))]

    async def texts(self) -> list[int]:
        """List the indices of the papers that have a full text."""
        kept = [await self.library.full_text(f"arxiv:{paper.arxiv_id}") for paper in self.papers]
        return [at for at, text in enumerate(kept) if text]


@pytest.fixture
async def bot(tmp_path: Path, embedder: LocalEmbedder) -> AsyncIterator[Bot]:
    clock = LocalClock()
    library = await Library.open(tmp_path / "data", embedder, now=clock.now)
    async with LocalSources(clock=clock) as local, Web(clock, timeout=dt.timedelta(seconds=10)) as web:
        local.arxiv = some_papers(3)
        source = open_online("arxiv:cs.CL", web, huggingface_url=local.base_url, arxiv_url=local.base_url)
        assert source is not None
        async for page in source.pages(None):
            await library.ingest_page(page, source.name)
        await library.add([OWN])
        yield Bot(library, web, local, clock)
    await library.close()


async def test_what_was_cited_gets_its_text_of_html_or_pdf_and_is_read_at_once(bot: Bot) -> None:
    bot.has("html", 0)
    bot.has("pdf", 0)
    bot.has("pdf", 1, print_paper("hivetone").data)
    bot.cited = [*bot.cited[:3], "arxiv:2401.99999", OWN.paper_id]
    await bot.fetcher().fetch_lacking()
    assert await bot.texts() == [0, 1]
    one, other = (paper.arxiv_id for paper in bot.papers[:2])
    assert bot.asked() == [f"/html/{one}", f"/html/{other}", f"/pdf/{other}"]
    question = "What batch size is it trained with?"
    vectors = await bot.library.embed(question)
    hits = await bot.library.hits_for(question, [f"arxiv:{one}"], vectors)
    parts = await bot.library.full_text_passages(question, vectors, hits)
    assert any("batch size of 96" in part.paper.abstract for part in parts)
    assert (await bot.library.counts()).pending == 0
    await bot.fetcher().fetch_lacking()
    assert len(bot.asked()) == 3


async def test_no_more_than_so_many_a_day_and_a_pause_after_each(bot: Bot) -> None:
    for at in range(3):
        bot.has("html", at)
    await bot.fetcher(per_day=2).fetch_lacking()
    assert await bot.texts() == [0, 1]
    first, second = (request.at for request in bot.local.requests if request.path.startswith("/html/"))
    assert second is not None
    assert first is not None
    assert second - first >= 60
    await bot.fetcher(per_day=2).fetch_lacking()  # as after a restart
    assert len(bot.asked()) == 2
    await bot.clock.sleep(dt.timedelta(hours=25))
    await bot.fetcher(per_day=2).fetch_lacking()
    assert await bot.texts() == [0, 1, 2]


async def test_what_is_not_to_be_had_is_asked_for_four_times_and_never_again(bot: Bot) -> None:
    bot.cited = bot.cited[:2]
    path = f"/html/{bot.papers[0].arxiv_id}"
    for wait, times in ((0, 1), (1, 1), (24, 2), (24, 2), (7 * 24, 3), (31 * 24, 4), (400 * 24, 4)):
        await bot.clock.sleep(dt.timedelta(hours=wait))
        await bot.fetcher().fetch_lacking()
        assert len(bot.local.asked(path)) == times
    assert await bot.texts() == []


async def test_arxiv_in_trouble_ends_the_round_and_the_next_one_goes_on(bot: Bot) -> None:
    for at in range(3):
        bot.has("html", at)
    bot.local.next(fails(503), fails(503))
    await bot.fetcher().fetch_lacking()
    assert await bot.texts() == []
    assert len(bot.asked()) == 2  # the one paper, twice
    await bot.fetcher().fetch_lacking()
    assert await bot.texts() == [1, 2]
    await bot.clock.sleep(dt.timedelta(hours=25))
    await bot.fetcher().fetch_lacking()
    assert await bot.texts() == [0, 1, 2]


async def test_a_paper_that_was_removed_meanwhile_gets_none(bot: Bot) -> None:
    bot.has("html", 0)
    gone = f"arxiv:{bot.papers[0].arxiv_id}"
    await bot.library.remove([gone])
    bot.cited = [gone]
    await bot.fetcher().fetch_lacking()
    assert bot.asked() == []
    assert not await bot.library.add_full_text(gone, FullText(0, (Section("", "It was here.", ()),)))
    assert await bot.library.full_text(gone) is None


async def test_none_a_day_asks_nothing_and_a_stop_ends_it(bot: Bot) -> None:
    bot.has("html", 0)
    await asyncio.wait_for(bot.fetcher(per_day=0).run(asyncio.Event()), 10)
    assert bot.asked() == []
    stop = asyncio.Event()
    running = asyncio.create_task(bot.fetcher().run(stop))
    await asyncio.wait_for(bot.looked_twice.wait(), 60)
    assert EVERY.total_seconds() in bot.clock.slept
    stop.set()
    await asyncio.wait_for(running, 30)
    assert await bot.texts() == [0]
