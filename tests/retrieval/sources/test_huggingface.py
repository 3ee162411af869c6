from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.errors import BadInputError
from retrieval.sources.fetched import Cursor, Page, SourceError
from retrieval.sources.huggingface import HuggingFaceDaily
from tests.local_sources import cut, fails, read_until_error, says, some_papers

if TYPE_CHECKING:
    from retrieval.sources.web import Web
    from tests.local_sources import LocalClock, LocalSources

TODAY = dt.date(2026, 11, 20)
YESTERDAY = dt.date(2026, 11, 19)
DAILY = "/api/daily_papers"


async def read(source: HuggingFaceDaily, cursor: Cursor | None = None) -> list[Page]:
    return [page async for page in source.pages(cursor)]


def days_asked(local: LocalSources) -> list[str]:
    return [request.query["date"][-2:] for request in local.asked(DAILY)]


def titles(pages: list[Page]) -> list[str]:
    return [fetched.paper.title for page in pages for fetched in page.papers]


async def test_a_paper_comes_with_all_that_the_list_knows(local: LocalSources, web: Web) -> None:
    paper = replace(
        some_papers(1, dt.date(2026, 11, 17))[0],
        arxiv_id="2611.17001",
        title='T\\"ULU:  a study',
        abstract='We find $p < 0.05$ in T\\"ULU, and ' + "much more of it " * 20 + "at last.",
        hidden=("Hidden Person",),
        upvotes=41,
        repo="https://github.com/example/tulu",
        keywords=("tuning", "tuning", "open models"),
    )
    local.lists[TODAY] = [paper]
    [page] = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    [fetched] = page.papers
    assert fetched.paper.paper_id == "arxiv:2611.17001"
    assert fetched.paper.title == 'T\\"ULU: a study'
    assert fetched.paper.abstract == " ".join(paper.abstract.split())
    assert (fetched.paper.source, fetched.paper.url) == ("huggingface", "https://arxiv.org/abs/2611.17001")
    assert (fetched.paper.published, fetched.listed) == (dt.date(2026, 11, 17), TODAY)
    assert (fetched.upvotes, fetched.code_url) == (41, "https://github.com/example/tulu")
    assert fetched.keywords == ("tuning", "open models")
    assert fetched.authors == ("Ada Example", "Ben Sample")
    assert fetched.external_ids[0] == "arxiv:2611.17001"
    assert fetched.external_ids[1].startswith("title:")


async def test_the_first_fetch_is_a_week_oldest_day_first(local: LocalSources, web: Web) -> None:
    local.lists = {TODAY - dt.timedelta(days=back): some_papers(2, TODAY - dt.timedelta(days=back)) for back in (0, 6)}
    pages = await read(HuggingFaceDaily(web, f"{local.base_url}/"))
    assert days_asked(local) == ["14", "15", "16", "17", "18", "19", "20"]
    assert len(titles(pages)) == 4
    assert [page.cursor.complete for page in pages] == [False] * 6 + [True]
    shares = [page.share for page in pages]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert pages[-1].cursor.newest == dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


async def test_the_next_day_reads_the_new_list_and_the_last_ones_again_for_their_votes(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.lists[TODAY] = some_papers(1)
    last = (await read(HuggingFaceDaily(web, local.base_url)))[-1].cursor
    clock.advance(days=1)
    local.today += dt.timedelta(days=1)
    local.requests.clear()
    local.lists[TODAY] = [replace(local.lists[TODAY][0], upvotes=9)]
    local.lists[local.today] = some_papers(1, local.today)
    pages = await read(HuggingFaceDaily(web, local.base_url), last)
    assert days_asked(local) == ["18", "19", "20", "21"]
    assert [fetched.upvotes for page in pages for fetched in page.papers] == [9, 0]


async def test_days_missed_while_down_are_caught_up(local: LocalSources, web: Web, clock: LocalClock) -> None:
    last = (await read(HuggingFaceDaily(web, local.base_url)))[-1].cursor
    clock.advance(days=9)
    local.today += dt.timedelta(days=9)
    local.requests.clear()
    await read(HuggingFaceDaily(web, local.base_url), last)
    assert days_asked(local) == ["18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29"]


async def test_an_empty_weekend_is_said_and_not_raised(local: LocalSources, web: Web) -> None:
    source = HuggingFaceDaily(web, local.base_url, dt.date(2026, 11, 14), dt.date(2026, 11, 15))
    pages = await read(source)
    assert [page.notice for page in pages] == [
        "Hugging Face lists no papers for Saturday 2026-11-14.",
        "Hugging Face lists no papers for Sunday 2026-11-15.",
    ]
    assert pages[-1].cursor.complete
    assert pages[-1].cursor.newest is None


async def test_a_list_that_is_yesterdays_again_is_said_to_be_stale(local: LocalSources, web: Web) -> None:
    local.lists = {YESTERDAY: some_papers(3, YESTERDAY), TODAY: some_papers(3, YESTERDAY)}
    local.submitted[TODAY] = YESTERDAY
    before, stale = await read(HuggingFaceDaily(web, local.base_url, YESTERDAY, TODAY))
    assert before.notice is None
    assert stale.notice == "Hugging Face's list for 2026-11-20 is that of 2026-11-19 again; it may be stale."
    assert {fetched.listed for fetched in stale.papers} == {YESTERDAY}
    assert stale.cursor.newest == dt.datetime(2026, 11, 19, tzinfo=dt.UTC)


async def test_long_lists_are_read_page_by_page_to_the_end(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = some_papers(120)
    pages = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert [len(page.papers) for page in pages] == [50, 50, 20]
    assert [request.query["p"] for request in local.asked(DAILY)] == ["0", "1", "2"]


async def test_a_list_that_ends_with_a_full_page_ends(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = some_papers(50)
    pages = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert len(titles(pages)) == 50
    assert pages[-1].cursor.complete
    assert [page.notice for page in pages] == [None, None]


async def test_a_list_that_begins_like_the_day_befores_is_read_to_its_end(local: LocalSources, web: Web) -> None:
    before = some_papers(50, YESTERDAY)
    local.lists = {YESTERDAY: before, TODAY: [*before, *some_papers(5)]}
    pages = await read(HuggingFaceDaily(web, local.base_url, YESTERDAY, TODAY))
    assert len(set(titles(pages))) == 55


async def test_a_server_that_knows_no_pages_does_not_hold_the_reading_for_ever(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = some_papers(50)
    whole = json.dumps([{"paper": {"id": f"2611.{n:05}"}, "title": f"Paper {n}"} for n in range(60)])
    local.next(says(whole, "application/json"), times=99)
    pages = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert len(local.requests) == 2
    assert pages[-1].cursor.complete


async def test_a_reading_that_broke_off_resumes_where_it_was(local: LocalSources, web: Web) -> None:
    local.lists = {YESTERDAY: some_papers(60, YESTERDAY), TODAY: some_papers(1)}
    local.next(None, *[fails(503)] * 5)
    source = HuggingFaceDaily(web, local.base_url, YESTERDAY, TODAY)
    got, said = await read_until_error(source)
    assert said == "Hugging Face is out of order (HTTP 503); try again later."
    assert len(titles(got)) == 50
    local.requests.clear()
    rest = await read(source, Cursor.load(got[-1].cursor.dump()))
    assert [(request.query["date"][-2:], request.query["p"]) for request in local.asked(DAILY)] == [
        ("19", "1"),
        ("20", "0"),
    ]
    assert len(set(titles(got) + titles(rest))) == 61


async def test_past_days_that_were_read_are_not_fetched_twice(local: LocalSources, web: Web) -> None:
    local.lists[YESTERDAY] = some_papers(1, YESTERDAY)
    source = HuggingFaceDaily(web, local.base_url, YESTERDAY)
    [page] = await read(source)
    local.requests.clear()
    [again] = await read(source, page.cursor)
    assert not local.requests
    assert again.cursor.complete
    assert again.notice == "The lists of huggingface:2026-11-19 have been read already."


async def test_todays_list_is_read_again_because_it_grows(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = some_papers(1)
    source = HuggingFaceDaily(web, local.base_url, TODAY)
    [page] = await read(source)
    local.lists[TODAY] = some_papers(2)
    [again] = await read(source, page.cursor)
    assert len(again.papers) == 2


async def test_too_many_requests_wait_as_long_as_asked(local: LocalSources, web: Web, clock: LocalClock) -> None:
    local.lists[TODAY] = some_papers(1)
    local.next(fails(429, Retry_After="17"), fails(429, ratelimit='"api";r=0;t=55'))
    pages = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert len(titles(pages)) == 1
    assert clock.slept == [17.0, 55.0]


async def test_no_token_is_sent(local: LocalSources, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert not any(name.lower() == "authorization" for name in local.requests[0].headers)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('[{"paper": {"id": "2611.0', "no whole JSON"),
        ("", "no whole JSON"),
        ("<html>Busy</html>", "no whole JSON"),
        ("[" * 100_000, "no whole JSON"),
        (b"\xff\xfe\x00", "no whole JSON"),
        ('{"papers": []}', "something else than a list"),
        ('["2611.00001"]', "something else than a list"),
        ("null", "something else than a list"),
    ],
)
async def test_an_answer_that_is_no_list_is_asked_for_again_and_then_said(
    local: LocalSources, web: Web, body: str | bytes, reason: str
) -> None:
    local.next(says(body, "application/json"), times=5)
    with pytest.raises(SourceError, match=reason):
        await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert len(local.requests) == 5


async def test_one_malformed_or_cut_answer_does_no_harm(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = some_papers(3)
    local.next(says("[{", "application/json"), cut(), cut(openly=False))
    assert len(titles(await read(HuggingFaceDaily(web, local.base_url, TODAY)))) == 3


async def test_a_refusal_is_said_with_its_reason_and_not_repeated(local: LocalSources, web: Web) -> None:
    local.today = YESTERDAY  # the server's day has not begun
    with pytest.raises(SourceError, match=r"Hugging Face refused the request \(HTTP 400: Date is in the future\)"):
        await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert len(local.requests) == 1


async def test_fields_that_are_missing_or_of_another_kind_cost_no_paper(local: LocalSources, web: Web) -> None:
    bare = [
        {"paper": {"id": "2611.00001"}, "title": "Only a title"},
        {"paper": {"id": "2611.00002", "title": "In the paper", "upvotes": "many", "authors": [None, {"name": 3}]}},
        {
            "title": "Wrong kinds",
            "paper": {"id": "2611.00003", "githubRepo": "javascript:alert(1)", "ai_keywords": "x", "publishedAt": 5},
        },
        {"paper": {"id": "2611.00004", "upvotes": -1, "submittedOnDailyAt": "soon"}, "title": "A\u0000B \ud800 C"},
        {"paper": {"id": "2611.00005"}, "title": " "},
        {"paper": {"title": "No id"}, "title": "No id"},
        {"paper": None, "title": "No paper"},
        {},
    ]
    local.next(says(json.dumps(bare), "application/json"))
    [page] = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert titles([page]) == ["Only a title", "In the paper", "Wrong kinds", "AB C"]
    assert {(f.upvotes, f.code_url, f.keywords, f.authors) for f in page.papers} == {(None, None, (), ())}
    assert {f.paper.published for f in page.papers} == {TODAY}
    assert page.notice == "4 of 8 papers in Hugging Face's list for 2026-11-20 lack an id or a title; left out."


async def test_an_id_that_is_not_arxivs_is_no_arxiv_id(local: LocalSources, web: Web) -> None:
    local.lists[TODAY] = [replace(some_papers(1)[0], arxiv_id="upload/7")]
    [page] = await read(HuggingFaceDaily(web, local.base_url, TODAY))
    assert page.papers[0].paper.paper_id.startswith("title:")
    assert page.papers[0].paper.url == "https://huggingface.co/papers/upload%2F7"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (dt.date(2026, 11, 21), None, r"2026-11-21 is still to come \(today is 2026-11-20 in UTC\)"),
        (dt.date(2023, 4, 30), None, "daily lists since 2023-05-01, none of 2023-04-30"),
        (dt.date(2026, 11, 5), dt.date(2026, 11, 1), "write huggingface:2026-11-01..2026-11-05"),
    ],
)
def test_days_that_have_no_list_are_refused_before_anything_is_fetched(
    web: Web, first: dt.date, last: dt.date | None, said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        HuggingFaceDaily(web, "http://127.0.0.1:9", first, last)


async def test_offline_mode_is_a_sentence(local: LocalSources, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: True)
    with pytest.raises(SourceError, match=r"Hugging Face may not be called .*offline mode is enabled"):
        await read(HuggingFaceDaily(web, local.base_url, TODAY))
