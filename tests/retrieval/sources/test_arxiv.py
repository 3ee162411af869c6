from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.sources import open_online
from retrieval.sources.fetched import Cursor, Page, SourceError
from retrieval.sources.huggingface import HuggingFaceDaily
from tests.local_sources import cut, fails, read_until_error, says, some_papers
from tests.local_sources.atom import api, entry, error_entry

if TYPE_CHECKING:
    from retrieval.sources.fetched import Fetched, OnlineSource
    from retrieval.sources.web import Web
    from tests.local_sources import LocalClock, LocalSources

TODAY = dt.date(2026, 11, 20)
API = "/api/query"


def opened(local: LocalSources, web: Web, spec: str = "arxiv:cs.CL") -> OnlineSource:
    source = open_online(spec, web, huggingface_url=local.base_url, arxiv_url=local.base_url)
    assert source
    return source


async def read(source: OnlineSource, cursor: Cursor | None = None) -> list[Page]:
    return [page async for page in source.pages(cursor)]


def fetched(pages: list[Page]) -> list[Fetched]:
    return [paper for page in pages for paper in page.papers]


def ids(pages: list[Page]) -> list[str]:
    return [paper.paper.paper_id for paper in fetched(pages)]


async def test_a_paper_comes_with_all_that_the_api_knows(local: LocalSources, web: Web) -> None:
    abstract = (
        'For $x<y$ and $y>z$ we show that T\\"ULU \\& co. reach 95\\% & more, which is '
        "a result that fills more than one line. Code: https://github.com/example/tulu-code."
    )
    local.arxiv = [
        replace(
            some_papers(1, dt.date(2026, 11, 18))[0],
            arxiv_id="2611.18001",
            title='A <b>long</b> title about T\\"ULU that arXiv breaks in the middle of, because it is too long for it',
            abstract=f"{abstract}\n\n{abstract}",
            updated=dt.datetime(2026, 11, 19, 9, tzinfo=dt.UTC),
            version=2,
            comment="12 pages, accepted at EMNLP",
            doi="10.1000/XYZ.1 10.1000/xyz.2",
            categories=("cs.CL", "cs.LG", "cs.AI"),
        )
    ]
    [paper] = fetched(await read(opened(local, web)))
    assert paper.paper.paper_id == "arxiv:2611.18001"
    assert paper.paper.title == local.arxiv[0].title
    assert paper.paper.abstract == f"{abstract}\n\n{abstract}"
    assert (paper.paper.source, paper.paper.url) == ("arxiv", "https://arxiv.org/abs/2611.18001")
    assert paper.paper.published == dt.date(2026, 11, 18)
    assert (paper.version, paper.updated) == (2, dt.datetime(2026, 11, 19, 9, tzinfo=dt.UTC))
    assert paper.external_ids[:2] == ("arxiv:2611.18001", "doi:10.1000/xyz.1")
    assert paper.categories == ("cs.CL", "cs.LG", "cs.AI")
    assert paper.authors == ("Ada Example", "Ben Sample")
    assert paper.code_url == "https://github.com/example/tulu-code"
    assert not paper.withdrawn


async def test_old_ids_keep_their_slash(local: LocalSources, web: Web) -> None:
    local.arxiv = [
        replace(paper, arxiv_id=old)
        for paper, old in zip(some_papers(2), ["hep-ex/0307015", "math.GT/0309136"], strict=True)
    ]
    assert ids(await read(opened(local, web))) == ["arxiv:hep-ex/0307015", "arxiv:math.GT/0309136"]


async def test_the_first_fetch_is_a_week_of_the_categories(local: LocalSources, web: Web) -> None:
    local.arxiv = [
        *some_papers(3),
        *some_papers(2, dt.date(2026, 11, 14), categories=("cs.LG",)),
        *some_papers(4, dt.date(2026, 11, 12)),
        *some_papers(5, dt.date(2026, 11, 16), categories=("math.GT",)),
    ]
    [page] = await read(opened(local, web, "arxiv:cs.CL+cs.LG"))
    assert len(page.papers) == 5
    assert page.cursor.complete
    assert page.cursor.newest == local.arxiv[0].updated
    assert local.requests[0].query["search_query"] == "cat:cs.CL OR cat:cs.LG"


async def test_the_next_day_brings_what_is_new_and_what_was_announced_late(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.arxiv = [*some_papers(3), *some_papers(3, dt.date(2026, 11, 13))]
    first = await read(opened(local, web))
    clock.advance(days=1)
    late = some_papers(1, dt.date(2026, 11, 18))
    new = some_papers(2, dt.date(2026, 11, 21))
    local.arxiv += [*late, *new]
    second = await read(opened(local, web), first[-1].cursor)
    assert {paper.arxiv_id for paper in (*new, *late)} <= {paper_id.removeprefix("arxiv:") for paper_id in ids(second)}
    assert not set(ids(second)) & {f"arxiv:{paper.arxiv_id}" for paper in some_papers(3, dt.date(2026, 11, 13))}


async def test_the_same_hour_asks_nothing_again_because_arxiv_changes_once_a_day(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.arxiv = some_papers(3)
    first = await read(opened(local, web))
    clock.advance(hours=1)
    [again] = await read(opened(local, web), first[-1].cursor)
    assert len(local.requests) == 1
    assert again.cursor == first[-1].cursor
    assert again.notice == "arXiv changes once a day, and arxiv:cs.CL was read at 12:00 UTC."


async def test_a_weekend_brings_nothing_new_and_says_so(local: LocalSources, web: Web, clock: LocalClock) -> None:
    local.arxiv = some_papers(3, dt.date(2026, 11, 19))
    first = await read(opened(local, web))
    clock.advance(days=2)
    [page] = await read(opened(local, web), first[-1].cursor)
    assert page.notice == "arXiv has announced nothing new for arxiv:cs.CL; its newest is of 2026-11-19."


async def test_version_2_comes_as_the_same_paper_with_its_new_text(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    old = some_papers(1, dt.date(2026, 9, 1))[0]
    local.arxiv = [old, *some_papers(2)]
    first = await read(opened(local, web, "arxiv:cs.CL:90"))
    clock.advance(days=1)
    local.arxiv[0] = replace(old, abstract="It works in none.", version=2, updated=clock.now() - dt.timedelta(hours=9))
    second = await read(opened(local, web, "arxiv:cs.CL:90"), first[-1].cursor)
    before = next(paper for paper in fetched(first) if paper.paper.title == old.title)
    after = next(paper for paper in fetched(second) if paper.paper.title == old.title)
    assert before.paper.paper_id == after.paper.paper_id
    assert (before.version, after.version) == (1, 2)
    assert before.paper.content_hash != after.paper.content_hash
    assert after.paper.published == dt.date(2026, 9, 1)


async def test_a_withdrawal_is_flagged(local: LocalSources, web: Web) -> None:
    [sound, taken_back] = some_papers(2)
    local.arxiv = [
        sound,
        replace(taken_back, version=2, comment="This paper has been withdrawn by the authors: Lemma 3 is wrong"),
    ]
    assert [paper.withdrawn for paper in fetched(await read(opened(local, web)))] == [False, True]


async def test_a_paper_in_both_sources_is_one_paper_with_the_same_text(local: LocalSources, web: Web) -> None:
    papers = [
        replace(paper, abstract=f'{paper.abstract} We use T\\"ULU with $x<y$ and much else, {"which is long " * 12}.')
        for paper in some_papers(3)
    ]
    local.arxiv, local.lists[TODAY] = papers, papers
    on_arxiv = fetched(await read(opened(local, web)))
    listed = fetched(await read(HuggingFaceDaily(web, local.base_url, TODAY)))
    assert [paper.paper.paper_id for paper in on_arxiv] == [paper.paper.paper_id for paper in listed]
    assert [paper.paper.content_hash for paper in on_arxiv] == [paper.paper.content_hash for paper in listed]


async def test_long_listings_come_in_pages_three_seconds_apart_one_at_a_time(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.arxiv = some_papers(450, dt.date(2026, 11, 18))
    pages = await read(opened(local, web))
    assert [len(page.papers) for page in pages] == [200, 200, 50]
    assert [request.query["start"] for request in local.asked(API)] == ["0", "200", "400"]
    assert clock.slept == [3.0, 3.0]
    assert [page.cursor.complete for page in pages] == [False, False, True]
    assert 0 < pages[0].share <= pages[1].share <= pages[2].share == 1.0


async def test_a_reading_that_broke_off_resumes_where_it_was_though_papers_have_come_in_between(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.arxiv = some_papers(450)
    local.next(None, *[fails(503)] * 5)
    got, said = await read_until_error(opened(local, web))
    assert said == "arXiv is out of order (HTTP 503); try again later."
    assert len(ids(got)) == 200
    clock.advance(days=1)
    new = some_papers(7, dt.date(2026, 11, 21))
    local.arxiv += new
    local.requests.clear()
    rest = await read(opened(local, web), Cursor.load(got[-1].cursor.dump()))
    assert local.requests[0].query["start"] == "200"
    assert len(set(ids(got) + ids(rest))) == 450
    clock.advance(days=1)
    after = await read(opened(local, web), rest[-1].cursor)
    assert {f"arxiv:{paper.arxiv_id}" for paper in new} <= set(ids(after))


@pytest.mark.parametrize(
    ("header", "waited"),
    [("41", 41.0), ("Fri, 20 Nov 2026 12:01:30 GMT", 90.0), ("soon", 3.0), ("Fri, 20 Nov 2026 11:00:00 GMT", 3.0)],
)
async def test_retry_after_is_honoured_in_both_its_forms(
    local: LocalSources, web: Web, clock: LocalClock, header: str, waited: float
) -> None:
    local.arxiv = some_papers(1)
    local.next(fails(429, "Rate exceeded.", Retry_After=header))
    assert len(ids(await read(opened(local, web)))) == 1
    assert clock.slept == [waited]


async def test_503_is_tried_again_and_the_papers_come(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(1)
    local.next(fails(503, Retry_After="5"), fails(500), fails(502))
    assert len(ids(await read(opened(local, web)))) == 1


async def test_an_answer_that_asks_for_a_day_of_silence_is_said_and_obeyed(
    local: LocalSources, web: Web, clock: LocalClock
) -> None:
    local.arxiv = some_papers(1)
    local.next(fails(429, Retry_After="86400"))
    for _ in range(2):
        with pytest.raises(SourceError, match="arXiv has asked not to be called before 2026-11-21 12:00 UTC"):
            await read(opened(local, web))
    assert len(local.requests) == 1
    clock.advance(days=1)
    assert len(ids(await read(opened(local, web)))) == 1


@pytest.mark.parametrize("status", [200, 400])
async def test_an_error_entry_is_a_refusal_and_no_paper(local: LocalSources, web: Web, status: int) -> None:
    local.next(says(error_entry("incorrect id format for 1234"), status=status))
    with pytest.raises(SourceError, match=r"arXiv refused the search \(incorrect id format for 1234\)"):
        await read(opened(local, web))
    assert len(local.requests) == 1


async def test_a_page_that_comes_empty_in_the_middle_is_asked_for_again(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(250)
    local.next(None, says(api([], 250, 200)), says(api([], 250, 200)))
    assert len(ids(await read(opened(local, web)))) == 250


async def test_a_page_that_stays_empty_is_an_error_that_keeps_what_was_read(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(250)
    local.next(None, *[says(api([], 250, 200))] * 5)
    got, said = await read_until_error(opened(local, web))
    assert said == "arXiv sent an empty page where papers were due; try again later."
    assert got[-1].cursor.position == 200
    assert not got[-1].cursor.complete


async def test_a_category_without_any_paper_ever_is_asked_for_again_and_then_said(
    local: LocalSources, web: Web
) -> None:
    local.arxiv = some_papers(1)
    local.next(says(api([], 0, 0)))
    assert len(ids(await read(opened(local, web)))) == 1
    with pytest.raises(SourceError, match=r"arXiv has no papers at all for arxiv:cs\.XX; check the category"):
        await read(opened(local, web, "arxiv:cs.XX"))


async def test_a_query_without_a_hit_is_no_error(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(3)
    [page] = await read(opened(local, web, 'arxiv:"basket weaving"'))
    assert (page.papers, page.cursor.complete) == ((), True)
    assert page.notice == 'arXiv has nothing for arxiv:"basket weaving".'


async def test_a_query_finds_papers_of_any_age_that_hold_all_its_words(local: LocalSources, web: Web) -> None:
    local.arxiv = [*some_papers(12, dt.date(2019, 3, 1)), *some_papers(12)]
    pages = await read(opened(local, web, 'arxiv:"robot grasping"'))
    assert len(ids(pages)) == 2
    assert local.requests[0].query["search_query"] == 'all:"robot" AND all:"grasping"'


async def test_a_query_with_more_results_than_anyone_reads_stops_and_says_so(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(2400)
    pages = await read(opened(local, web, "arxiv:cat:cs.CL"))
    assert len(ids(pages)) == 2000
    assert pages[-1].cursor.complete
    assert pages[-1].notice
    assert "arXiv has 2,400 papers" in pages[-1].notice
    assert "the newest 2,000 were read" in pages[-1].notice


async def test_a_window_with_more_than_arxiv_gives_stops_and_says_so(
    local: LocalSources, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.sources.arxiv.MOST", 400)
    local.arxiv = some_papers(700)
    pages = await read(opened(local, web, "arxiv:cs.CL:30"))
    assert len(ids(pages)) == 400
    assert pages[-1].cursor.complete
    assert pages[-1].notice == (
        "arXiv has 700 papers for arxiv:cs.CL:30, of which the newest 400 were read; ask for fewer days or in narrower "
        "words for the rest."
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "something else than a feed"),
        ("Rate exceeded.", "something else than a feed"),
        ("<html><body>Busy</body></html>", "something else than a feed"),
        ("/etc/hostname", "something else than a feed"),
        ('{"a": 1}', "something else than a feed"),
        (api(["<entry><title>&nope;</title></entry>"], 1, 0), "answer is damaged"),
        (api([], 1, 0)[:-20], "answer is damaged"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"></feed>', "does not say how many results"),
    ],
)
async def test_an_answer_that_is_no_feed_is_asked_for_again_and_then_said(
    local: LocalSources, web: Web, body: str, said: str
) -> None:
    local.next(says(body), times=5)
    with pytest.raises(SourceError, match=said):
        await read(opened(local, web))
    assert len(local.requests) == 5


async def test_a_cut_answer_is_never_taken_for_a_short_one(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(40)
    local.next(cut(0.3), cut(0.6, openly=False), cut(0.99, openly=False))
    assert len(ids(await read(opened(local, web)))) == 40


async def test_a_connection_that_is_always_cut_is_a_sentence(local: LocalSources, web: Web) -> None:
    local.arxiv = some_papers(40)
    local.next(cut(), times=5)
    with pytest.raises(SourceError, match="arXiv broke off in the middle of an answer"):
        await read(opened(local, web))


async def test_entries_that_lack_an_id_or_a_title_cost_no_other(local: LocalSources, web: Web) -> None:
    good = entry(some_papers(1)[0])
    bare = "<entry><id>http://arxiv.org/abs/2611.00009v1</id><title>Bare</title></entry>"
    bad = "<entry><id>urn:x</id><title>No id</title></entry><entry><id>http://arxiv.org/abs/2611.1v1</id></entry>"
    local.next(says(api([bad, bare, good], 4, 0)))
    [page] = await read(opened(local, web))
    papers = fetched([page])
    assert [paper.paper.title for paper in papers] == ["Bare", some_papers(1)[0].title]
    assert page.notice == "2 of 4 papers from arXiv lack an id or a title; left out."
    assert (papers[0].paper.abstract, papers[0].paper.published, papers[0].updated) == ("", None, None)
