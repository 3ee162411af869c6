"""The bot reads its sources by itself, over real sockets, on a clock that never really waits."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import stamina

from bot.errors import SettingsError
from bot.fetcher import Fetcher, open_fetcher
from bot.settings import Settings
from retrieval.library import Library
from retrieval.sources import open_online
from retrieval.sources.web import Web
from tests.local_sources import LocalClock, LocalSources, cut, fails, silent, some_papers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from retrieval.embedding.local import LocalEmbedder

FRIDAY = dt.date(2026, 11, 20)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def clock() -> LocalClock:
    """Friday 20 November 2026, noon in UTC."""
    return LocalClock()


@pytest.fixture
async def local(clock: LocalClock) -> AsyncIterator[LocalSources]:
    async with LocalSources(clock=clock) as local:
        yield local


class Reports:
    """Record what is reported, and let a test wait for it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waiting = asyncio.Condition()

    async def __call__(self, sentence: str) -> None:
        async with self.waiting:
            self.said.append(sentence)
            self.waiting.notify_all()

    async def reach(self, count: int) -> None:
        async with self.waiting:
            await asyncio.wait_for(self.waiting.wait_for(lambda: len(self.said) >= count), 30)


@pytest.fixture
def reports() -> Reports:
    return Reports()


class Bot:
    """A library that fetches papers as the bot's does."""

    def __init__(self, library: Library, web: Web, local: LocalSources, reports: Reports) -> None:
        self.library, self.web, self.local, self.reports = library, web, local, reports

    def fetcher(self, *specs: str) -> Fetcher:
        url = self.local.base_url
        found = [open_online(spec, self.web, huggingface_url=url, arxiv_url=url) for spec in specs]
        sources = [source for source in found if source]
        assert len(sources) == len(specs)
        return Fetcher(self.library, self.web, sources, every=HOUR, report=self.reports)

    async def fetch(self, spec: str) -> None:
        fetcher = self.fetcher(spec)
        await asyncio.wait_for(fetcher.fetch(fetcher.sources[0]), 60)


@pytest.fixture
async def bot(
    tmp_path: Path, embedder: LocalEmbedder, clock: LocalClock, local: LocalSources, reports: Reports
) -> AsyncIterator[Bot]:
    library = await Library.open(tmp_path / "data", embedder, now=clock.now)
    async with Web(clock, timeout=dt.timedelta(seconds=10)) as web:
        yield Bot(library, web, local, reports)
    await library.close()


async def test_what_is_fetched_can_be_found_at_once(bot: Bot, clock: LocalClock) -> None:
    bot.local.lists[FRIDAY] = some_papers(3, upvotes=4, repo="https://github.com/a/b")
    await bot.fetch("huggingface")
    (hit,) = await bot.library.search("Study 1 of alignment", limit=1, source="huggingface")
    assert hit.paper.title.startswith("Study 1 of alignment")
    fresh = await bot.library.fresh(clock.start - HOUR, clock.now())
    assert [(each.details.upvotes, each.details.listed) for each in fresh] == [(4, FRIDAY)] * 3
    reading = await bot.library.source_state("huggingface")
    assert reading is not None
    assert reading.last_success is not None
    assert (reading.newest, reading.sentence) == (dt.datetime(2026, 11, 20, tzinfo=dt.UTC), None)
    assert bot.reports.said == []


async def test_one_paper_in_both_sources_is_one_with_both(bot: Bot) -> None:
    papers = some_papers(2, upvotes=9)
    bot.local.lists[FRIDAY], bot.local.arxiv = papers, papers
    await bot.fetch("huggingface")
    await bot.fetch("arxiv:cs.CL")
    counts = await bot.library.counts()
    assert (counts.papers, counts.by_source) == (2, {"arxiv": 2, "huggingface": 2})
    ids = [f"arxiv:{paper.arxiv_id}" for paper in papers]
    details = await bot.library.details(ids)
    assert {(each.upvotes, each.version, each.categories) for each in details.values()} == {(9, 1, ("cs.CL", "cs.LG"))}


async def test_an_outage_is_reported_once_and_its_end_once(bot: Bot, clock: LocalClock) -> None:
    bot.local.lists[FRIDAY] = some_papers(1)
    bot.local.next(fails(503), times=15)
    for _ in range(3):
        await bot.fetch("huggingface")
        clock.advance(hours=1)
    (sentence,) = bot.reports.said
    assert "Hugging Face is out of order" in sentence
    reading = await bot.library.source_state("huggingface")
    assert reading is not None
    assert (reading.sentence, reading.last_success) == (sentence, None)
    assert reading.failing_since is not None
    assert reading.failing_since - clock.start < HOUR
    for _ in range(2):
        await bot.fetch("huggingface")
    assert len(bot.reports.said) == 2
    assert "huggingface can be read again" in bot.reports.said[1]
    assert (await bot.library.counts()).papers == 1


async def test_a_reading_cut_off_goes_on_where_it_stopped(bot: Bot) -> None:
    bot.local.lists = {
        FRIDAY - dt.timedelta(days=day): some_papers(2, FRIDAY - dt.timedelta(days=day)) for day in (0, 3)
    }
    bot.local.next(*[None] * 4, *[cut()] * 5)
    await bot.fetch("huggingface")
    assert (await bot.library.counts()).papers == 2
    before = len(bot.local.requests)
    await bot.fetch("huggingface")
    assert [request.query["date"] for request in bot.local.requests[before:]] == [
        "2026-11-18",
        "2026-11-19",
        "2026-11-20",
    ]
    assert (await bot.library.counts()).papers == 4
    assert len(bot.reports.said) == 2


async def test_an_empty_weekend_is_nothing_to_report_but_a_stale_source_is_once(bot: Bot, clock: LocalClock) -> None:
    bot.local.lists[FRIDAY] = some_papers(1)
    for day in range(12):
        bot.local.today = clock.now().date()
        await bot.fetch("huggingface")
        assert len(bot.reports.said) == (1 if day >= 7 else 0)
        clock.advance(days=1)
    assert "nothing new since 2026-11-20" in bot.reports.said[0]
    reading = await bot.library.source_state("huggingface")
    assert reading is not None
    assert reading.failing_since is not None
    assert reading.failing_since.date() == dt.date(2026, 11, 27)
    bot.local.today = clock.now().date()
    bot.local.lists[clock.now().date()] = some_papers(1, clock.now().date())
    await bot.fetch("huggingface")
    assert len(bot.reports.said) == 2


async def test_a_source_without_any_paper_is_reported_once(bot: Bot) -> None:
    for _ in range(2):
        await bot.fetch("huggingface")
    (sentence,) = bot.reports.said
    assert "gives no papers at all" in sentence


async def test_version_two_and_a_withdrawal_reach_the_library(bot: Bot, clock: LocalClock) -> None:
    first, second = some_papers(2)
    bot.local.arxiv = [first, second]
    await bot.fetch("arxiv:cs.CL")
    later = clock.now() + dt.timedelta(hours=10)
    bot.local.arxiv = [
        replace(first, version=2, updated=later, abstract="A robot knits scarves in every run."),
        replace(second, version=2, updated=later, comment="This paper has been withdrawn by the authors"),
    ]
    clock.advance(hours=24)
    await bot.fetch("arxiv:cs.CL")
    assert [hit.paper.abstract for hit in await bot.library.search("robot that knits scarves")] == [
        "A robot knits scarves in every run."
    ]
    counts = await bot.library.counts()
    assert (counts.papers, counts.withdrawn, counts.pending) == (1, 1, 0)
    assert bot.reports.said == []


async def test_it_runs_every_hour_one_source_down_or_not_and_stops_when_told(
    bot: Bot, clock: LocalClock, reports: Reports
) -> None:
    bot.local.arxiv = some_papers(1)
    fetcher = bot.fetcher("http://127.0.0.1:1/feed.xml", "arxiv:cs.CL")
    stop = asyncio.Event()
    running = asyncio.create_task(fetcher.run(stop))
    await reports.reach(1)
    while len(bot.local.requests) < 2:  # arXiv is asked again six hours later
        bot.local.arrived.clear()
        await asyncio.wait_for(bot.local.arrived.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 30)
    assert len(reports.said) == 1
    assert "127.0.0.1" in reports.said[0]
    assert clock.passed >= 6 * 3600


async def test_a_restart_waits_until_a_source_is_due(bot: Bot, clock: LocalClock) -> None:
    bot.local.lists[FRIDAY] = some_papers(1)
    await bot.fetch("huggingface")
    read = clock.now()
    bot.local.requests.clear()
    bot.local.arrived.clear()
    stop = asyncio.Event()
    running = asyncio.create_task(bot.fetcher("huggingface").run(stop))
    await asyncio.wait_for(bot.local.arrived.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 30)
    assert bot.local.requests[0].at is not None
    assert bot.local.requests[0].at >= (read + HOUR - clock.start).total_seconds() - 1


async def test_it_stops_in_the_middle_of_a_request(bot: Bot) -> None:
    bot.local.next(silent)
    stop = asyncio.Event()
    running = asyncio.create_task(bot.fetcher("huggingface").run(stop))
    await asyncio.wait_for(bot.local.arrived.wait(), 30)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert bot.reports.said == []


async def test_no_sources_are_no_error(bot: Bot) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(bot.fetcher().run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("huggingface, arxiv:cs.CL+cs.LG,huggingface", ["huggingface", "arxiv:cs.CL+cs.LG"]),
        ("", []),
    ],
)
async def test_the_settings_name_the_sources(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_FETCH__SOURCES", given)
    async with open_fetcher(Settings.load(), bot.library, bot.reports) as fetcher:
        assert [source.name for source in fetcher.sources] == names


@pytest.mark.parametrize("given", ["seeds", "huggingface:yesterday", "arxiv:"])
async def test_a_source_that_is_none_is_refused_with_the_name_of_the_setting(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_FETCH__SOURCES", f"huggingface,{given}")
    with pytest.raises(SettingsError, match="FOOTNOTE_FETCH__SOURCES is wrong"):
        async with open_fetcher(Settings.load(), bot.library, bot.reports):
            pass
