from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.sources.arxiv import Arxiv
from retrieval.sources.feed import Feed
from retrieval.sources.fetched import Cursor, Page, SourceError, identities
from retrieval.sources.web import Web
from tests.local_sources import LocalClock, LocalSources, cut, fails, says, some_papers
from tests.local_sources.atom import arxiv_atom, arxiv_rss, journal_rss

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FRIDAY = dt.date(2026, 11, 20)
RSS, ATOM = "application/rss+xml", "application/atom+xml"
ARXIV_RSS = "http://rss.arxiv.org/rss/cs.CL"


@pytest.fixture
def arxivs(local: LocalSources, monkeypatch: pytest.MonkeyPatch) -> LocalSources:
    """The local server in place of rss.arxiv.org: all requests go through it as a proxy."""
    monkeypatch.setenv("http_proxy", local.base_url)
    monkeypatch.setenv("no_proxy", "")
    return local


@pytest.fixture
async def through(arxivs: LocalSources, clock: LocalClock) -> AsyncIterator[Web]:
    async with Web(clock, timeout=dt.timedelta(seconds=10)) as web:
        yield web


async def read(feed: Feed, cursor: Cursor | None = None) -> Page:
    [page] = [page async for page in feed.pages(cursor)]
    assert page.cursor.complete
    return page


@pytest.mark.parametrize("form", [arxiv_rss, arxiv_atom])
async def test_arxivs_own_feeds_give_arxivs_papers(arxivs: LocalSources, through: Web, form: type) -> None:
    new = replace(some_papers(1)[0], abstract='For $x<y$ and $y>z$ it holds,\nand <i>not</i> for \\"O & co.')
    cross, replaced = (
        replace(paper, announce_type=kind, version=version)
        for paper, kind, version in zip(some_papers(3)[1:], ["cross", "replace-cross"], [1, 3], strict=True)
    )
    arxivs.feeds["/rss/cs.CL"] = form([new, cross, replaced], FRIDAY), RSS
    page = await read(Feed(through, ARXIV_RSS))
    first, second, third = page.papers
    assert first.paper.paper_id == f"arxiv:{new.arxiv_id}"
    assert first.paper.abstract == 'For $x<y$ and $y>z$ it holds, and <i>not</i> for \\"O & co.'
    assert (first.paper.source, first.paper.url) == ("arxiv", f"https://arxiv.org/abs/{new.arxiv_id}")
    assert [paper.announce_type for paper in page.papers] == ["new", "cross", "replace-cross"]
    assert [paper.version for paper in page.papers] == [1, 1, 3]
    # A paper appeared on the day of its announcement only if it is announced as new.
    assert [paper.paper.published for paper in (first, second, third)] == [FRIDAY, None, None]
    assert first.updated is None
    assert first.authors == ("Ada Example", "Ben Sample")
    assert (first.categories, first.keywords) == (("cs.CL", "cs.LG"), ())
    assert page.notice is None


async def test_arxivs_feed_of_an_earlier_day_is_said_to_be_stale(
    arxivs: LocalSources, through: Web, clock: LocalClock
) -> None:
    arxivs.feeds["/rss/cs.CL"] = arxiv_rss(some_papers(2), dt.date(2026, 11, 19)), RSS
    page = await read(Feed(through, ARXIV_RSS))
    assert page.notice == (
        f"arXiv's feed {ARXIV_RSS} is of 2026-11-19, and one of 2026-11-20 was due; it is stale, "
        "or arXiv has a holiday."
    )
    assert len(page.papers) == 2


@pytest.mark.parametrize("hours", [-7, 24, 48, 65])
async def test_a_feed_of_friday_is_fresh_all_weekend_and_before_the_next_is_due(
    arxivs: LocalSources, through: Web, clock: LocalClock, hours: int
) -> None:
    clock.advance(hours=hours)
    arxivs.feeds["/rss/cs.CL"] = arxiv_rss(some_papers(2), FRIDAY), RSS
    assert (await read(Feed(through, ARXIV_RSS))).notice is None


async def test_an_empty_feed_on_a_weekend_is_said_and_not_raised(
    arxivs: LocalSources, through: Web, clock: LocalClock
) -> None:
    clock.advance(days=1)
    arxivs.feeds["/rss/cs.CL"] = arxiv_rss([], dt.date(2026, 11, 21)), RSS
    page = await read(Feed(through, ARXIV_RSS))
    assert page.papers == ()
    assert page.notice == f"The feed {ARXIV_RSS} is empty, as on weekends and holidays."


async def test_arxivs_feeds_and_its_api_share_one_lane(arxivs: LocalSources, through: Web, clock: LocalClock) -> None:
    arxivs.arxiv = some_papers(1)
    arxivs.feeds["/rss/cs.CL"] = arxiv_rss(some_papers(1), FRIDAY), RSS
    await read(Feed(through, ARXIV_RSS))
    api = Arxiv(through, arxivs.base_url, name="x", search="cat:cs.CL", days=7, never_empty=True)
    assert [len(page.papers) async for page in api.pages()] == [1]
    assert clock.slept == [3.0]


async def test_a_journals_feed_gives_papers_under_their_doi_in_plain_text(local: LocalSources, web: Web) -> None:
    paper = replace(
        some_papers(1)[0],
        title="Effects of A & B",
        abstract="We find x<y and y>z in 5 % of R&D. See https://github.com/example/code.",
        doi="10.1000/J.2026.7",
        keywords=("biology", "statistics"),
    )
    local.feeds["/feed"] = journal_rss([paper]), RSS
    page = await read(Feed(web, f"{local.base_url}/feed"))
    [fetched] = page.papers
    assert fetched.paper.paper_id == "doi:10.1000/j.2026.7"
    assert fetched.paper.title == "Effects of A & B"
    assert fetched.paper.abstract == f"{paper.abstract}\n\nOpen access."
    assert fetched.paper.source == "127.0.0.1"
    assert fetched.paper.url == f"https://journal.example.org/a/{paper.arxiv_id}"
    assert (fetched.paper.published, fetched.updated) == (FRIDAY, paper.published)
    assert fetched.keywords == ("biology", "statistics")
    assert fetched.code_url == "https://github.com/example/code"
    assert (fetched.version, fetched.upvotes, fetched.categories) == (None, None, ())
    # Once the paper is in a journal, arXiv names its DOI too: both records then share an id.
    assert fetched.paper.paper_id in identities("Another title", arxiv_id="2611.00001", doi="10.1000/j.2026.7")


async def test_an_arxiv_link_or_doi_in_any_feed_is_the_same_paper(local: LocalSources, web: Web) -> None:
    [paper] = some_papers(1)
    feed = journal_rss([replace(paper, doi=f"10.48550/arXiv.{paper.arxiv_id}"), replace(paper, title="By its link")])
    linked = feed.rpartition("<link>")
    local.feeds["/feed"] = f"{linked[0]}<link>https://arxiv.org/pdf/{linked[2].partition('/a/')[2]}", RSS
    page = await read(Feed(web, f"{local.base_url}/feed"))
    assert {fetched.paper.paper_id for fetched in page.papers} == {f"arxiv:{paper.arxiv_id}"}


async def test_an_unchanged_feed_is_not_fetched_twice(local: LocalSources, web: Web) -> None:
    local.feeds["/feed"] = journal_rss(some_papers(2)), RSS
    feed = Feed(web, f"{local.base_url}/feed")
    first = await read(feed)
    again = await read(feed, Cursor.load(first.cursor.dump()))
    assert (len(first.papers), again.papers, again.notice) == (2, (), None)
    assert again.cursor == first.cursor
    local.feeds["/feed"] = journal_rss(some_papers(3)), RSS
    assert len((await read(feed, again.cursor)).papers) == 3


async def test_an_abandoned_feed_is_said_to_be_one(local: LocalSources, web: Web) -> None:
    local.feeds["/feed"] = journal_rss(some_papers(2, dt.date(2026, 3, 1))), RSS
    page = await read(Feed(web, f"{local.base_url}/feed"))
    assert page.notice == f"The feed {local.base_url}/feed has had nothing new since 2026-03-01; it may be abandoned."


async def test_a_feed_with_a_stray_entity_is_read_and_one_that_is_cut_is_not(local: LocalSources, web: Web) -> None:
    good = journal_rss(some_papers(4))
    local.feeds["/feed"] = good.replace("Study 0", "Study&nbsp;0"), RSS
    feed = Feed(web, f"{local.base_url}/feed")
    assert len((await read(feed)).papers) == 4
    local.next(*[cut(0.7, openly=False)] * 5)
    with pytest.raises(SourceError, match=r"127\.0\.0\.1's answer is damaged"):
        await read(feed)


async def test_entries_without_a_title_cost_no_other(local: LocalSources, web: Web) -> None:
    local.feeds["/feed"] = journal_rss([replace(some_papers(1)[0], title=" "), *some_papers(1)]), RSS
    page = await read(Feed(web, f"{local.base_url}/feed"))
    assert len(page.papers) == 1
    assert page.notice == f"1 of 2 entries in the feed {local.base_url}/feed have no title; left out."


async def test_what_is_no_feed_is_a_sentence(local: LocalSources, web: Web) -> None:
    feed = Feed(web, f"{local.base_url}/feed")
    local.next(says("<html><body><p>Hello</p></body></html>", "text/html"), times=5)
    with pytest.raises(SourceError, match=r"something else than a feed; check http://127\.0\.0\.1"):
        await read(feed)
    with pytest.raises(SourceError, match=r"127\.0\.0\.1 refused the request \(HTTP 404\); check http://127"):
        await read(feed)


async def test_a_server_that_fails_now_and_then_does_no_harm(local: LocalSources, web: Web) -> None:
    local.feeds["/feed"] = journal_rss(some_papers(2)), RSS
    local.next(fails(503), cut(), says("", RSS))
    assert len((await read(Feed(web, f"{local.base_url}/feed"))).papers) == 2


async def test_an_atom_feed_with_html_content_and_no_summary_is_read(local: LocalSources, web: Web) -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><id>b</id><updated>2026-11-20T08:00:00Z</updated>'
        '<entry><id>tag:x,1</id><title type="html">A &lt;i&gt;post&lt;/i&gt; on R&amp;amp;D</title>'
        '<link href="javascript:alert(1)"/><content type="html">&lt;p&gt;One.&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;'
        "&lt;p&gt;Two &amp;lt; three.&lt;/p&gt;</content><updated>not a date</updated></entry></feed>"
    )
    local.feeds["/feed"] = body, ATOM
    page = await read(Feed(web, f"{local.base_url}/feed"))
    [fetched] = page.papers
    assert (fetched.paper.title, fetched.paper.abstract) == ("A post on R&D", "One.\n\nTwo < three.")
    assert (fetched.paper.url, fetched.paper.published) == (None, None)
    assert page.cursor.newest == dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
