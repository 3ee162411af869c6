"""arXiv's API: categories or a query, newest change first, with versions and withdrawals.

It uses feedparser over our own HTTP instead of the `arxiv` package, which has no timeout, ignores Retry-After, paces
each client separately where arXiv asks for one pace overall, blocks in time.sleep, and takes a truncated feed for a
short one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrieval.papers import ARXIV_ID, Paper
from retrieval.sources.fetched import Cursor, Fetched, Page, SourceError, identities
from retrieval.sources.fields import code_link, is_withdrawn, one_line, unwrap
from retrieval.sources.limiter import ARXIV
from retrieval.sources.record import LONGEST_TEXT
from retrieval.sources.syndication import names_of, parse_feed, terms_of, text_of, time_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from retrieval.sources.web import Reply, Web

SOURCE = "arxiv"
PAGE = 200  # arXiv allows 2,000; smaller answers come sooner and fail less
MOST = 30_000  # results of one search, according to arXiv's manual
MOST_OF_ALL_TIME = 2_000  # newest results of a search without days; they take half a minute
DEFAULT_DAYS = 7
# A paper submitted on Friday is announced on Monday night, or later after a holiday, under its submission date.
OVERLAP = dt.timedelta(days=5)
# Results change once a day; asking again sooner gives the same.
UNCHANGED = dt.timedelta(hours=6)

_OK, _BAD_REQUEST = 200, 400


@dataclass(frozen=True, slots=True)
class _Listing:
    """One answer: its papers, its number of entries, and the number of results of the whole search."""

    papers: tuple[Fetched, ...]
    entries: int
    total: int


class Arxiv:
    """Papers of an arXiv search, last changed first, so that new versions and withdrawals are seen too."""

    def __init__(self, web: Web, base_url: str, *, name: str, search: str, days: int | None, never_empty: bool) -> None:
        """Set up a search; nothing is fetched yet.

        Args:
            web: the HTTP client.
            base_url: the API's host, https://export.arxiv.org.
            name: the source as a user writes it.
            search: in arXiv's query language, such as "cat:cs.CL OR cat:cs.LG".
            days: how far back the first reading goes; None for the newest MOST_OF_ALL_TIME papers, however old.
            never_empty: whether an empty result is a failure, as it is for a category.
        """
        self._web = web
        self._url = f"{base_url.rstrip('/')}/api/query"
        self._search = search
        self._days = days
        self._never_empty = never_empty
        self.name = name

    async def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield pages, last changed first; after a complete reading, only what has changed since.

        An interrupted reading resumes at its position. Papers only move down a list that is newest first, so one may
        come twice, but none is missed.
        """
        now = self._web.clock.now()
        if cursor and cursor.complete and cursor.began and dt.timedelta(0) <= now - cursor.began < UNCHANGED:
            notice = f"arXiv changes once a day, and {self.name} was read at {cursor.began:%H:%M} UTC."
            yield Page((), cursor, 1.0, notice)
            return
        newest_before = cursor.newest if cursor and cursor.complete else None
        cursor = self._start(cursor, now)
        while not cursor.complete:
            listing = await self._listing(cursor.position)
            since = cursor.since
            papers = tuple(
                paper for paper in listing.papers if since is None or paper.updated is None or paper.updated >= since
            )
            times = [paper.updated for paper in listing.papers if paper.updated]
            position = cursor.position + listing.entries
            most = MOST if since else MOST_OF_ALL_TIME
            past_window = since is not None and bool(times) and times[-1] < since
            capped = not past_window and position >= most and listing.total > position
            complete = past_window or capped or position >= listing.total
            newest = max((time for time in (cursor.newest, *times) if time), default=None)
            cursor = replace(cursor, complete=complete, position=position, newest=newest)
            share = 1.0 if complete else self._share(cursor, times, min(listing.total, most))
            yield Page(papers, cursor, share, self._notice(cursor, papers, newest_before, listing, capped=capped))

    def _start(self, cursor: Cursor | None, now: dt.datetime) -> Cursor:
        if cursor and cursor.began and not cursor.complete:
            return cursor
        if cursor and cursor.began:
            return Cursor(began=now, since=cursor.began - OVERLAP, newest=cursor.newest)
        return Cursor(began=now, since=now - dt.timedelta(days=self._days) if self._days else None)

    async def _listing(self, position: int) -> _Listing:
        def read(reply: Reply) -> _Listing:
            listing = _read(reply, position)
            if self._never_empty and not listing.total:
                raise SourceError(
                    f"arXiv has no papers at all for {self.name}; check the category, or try again later.",
                    temporary=True,
                )
            return listing

        return await self._web.get(
            ARXIV,
            self._url,
            read,
            params={
                "search_query": self._search,
                "start": str(position),
                "max_results": str(PAGE),
                "sortBy": "lastUpdatedDate",
                "sortOrder": "descending",
            },
            accept=(_OK, _BAD_REQUEST),
        )

    def _share(self, cursor: Cursor, times: list[dt.datetime], total: int) -> float:
        if cursor.since and cursor.began and times:
            return max(0.0, min(1.0, (cursor.began - times[-1]) / (cursor.began - cursor.since)))
        return min(1.0, cursor.position / max(1, total))

    def _notice(
        self,
        cursor: Cursor,
        papers: tuple[Fetched, ...],
        newest_before: dt.datetime | None,
        listing: _Listing,
        *,
        capped: bool,
    ) -> str | None:
        if capped:
            return (
                f"arXiv has {listing.total:,} papers for {self.name}, of which the newest {cursor.position:,} were "
                "read; ask for fewer days or in narrower words for the rest."
            )
        if len(listing.papers) < listing.entries:
            left_out = listing.entries - len(listing.papers)
            return f"{left_out} of {listing.entries} papers from arXiv lack an id or a title; left out."
        if not cursor.complete or cursor.position > PAGE:
            return None
        if not papers and not newest_before:
            since = f" since {cursor.since:%Y-%m-%d}" if cursor.since else ""
            return f"arXiv has nothing for {self.name}{since}."
        if newest_before and cursor.newest == newest_before:
            return f"arXiv has announced nothing new for {self.name}; its newest is of {newest_before:%Y-%m-%d}."
        return None


def _read(reply: Reply, position: int) -> _Listing:
    """Parse an answer; raises SourceError for an error entry, a damaged answer or a missing page."""
    parsed = parse_feed(reply, ARXIV.name, strict=True)
    entries = parsed.entries
    for entry in entries:
        if "/api/errors" in entry.get("id", ""):
            reason = one_line(text_of(entry, "summary")).rstrip(".") or "without a reason"
            raise SourceError(f"arXiv refused the search ({reason}); check its words and categories.")
    if reply.status != _OK:
        raise SourceError(f"arXiv refused the search (HTTP {reply.status}); check its words and categories.")
    total = parsed.feed.get("opensearch_totalresults", "")
    if not total.isdigit():
        raise SourceError("arXiv's answer does not say how many results there are; try again later.", temporary=True)
    if not entries and position < int(total):
        raise SourceError("arXiv sent an empty page where papers were due; try again later.", temporary=True)
    papers = tuple(paper for entry in entries if (paper := paper_of(entry)))
    return _Listing(papers, len(entries), int(total))


def paper_of(entry: Any) -> Fetched | None:  # noqa: ANN401
    """An entry as a paper; None if it lacks an arXiv id or a title, or is too long."""
    arxiv = ARXIV_ID.fullmatch(entry.get("id", "").rpartition("/abs/")[2])
    title = one_line(text_of(entry, "title"))
    abstract = unwrap(text_of(entry, "summary"))
    if not arxiv or not title or len(title) + len(abstract) > LONGEST_TEXT:
        return None
    doi = text_of(entry, "arxiv_doi").split()
    comment = text_of(entry, "arxiv_comment")
    ids = identities(title, arxiv_id=arxiv[1], doi=doi[0] if doi else None)
    published = time_of(entry, "published")
    primary = (entry.get("arxiv_primary_category") or {}).get("term")
    return Fetched(
        paper=Paper(
            paper_id=ids[0],
            title=title,
            abstract=abstract,
            source=SOURCE,
            url=f"https://arxiv.org/abs/{arxiv[1]}",
            published=published.date() if published else None,
        ),
        code_url=code_link(comment, abstract),
        version=int(arxiv[2][1:]) if arxiv[2] else None,
        withdrawn=is_withdrawn(comment, abstract),
        updated=time_of(entry, "updated") or published,
        external_ids=ids,
        authors=names_of(entry),
        categories=tuple(dict.fromkeys(([primary] if primary else []) + list(terms_of(entry)))),
    )
