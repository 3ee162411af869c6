"""RSS and Atom feeds of papers, arXiv's included: fetched only if they changed, with a notice if one is stale."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrieval.papers import Paper
from retrieval.sources import arxiv
from retrieval.sources.fetched import Cursor, Fetched, Page, identities
from retrieval.sources.fields import code_link, is_withdrawn, one_line, plain, shown, unwrap
from retrieval.sources.identifiers import arxiv_in, doi_in, link_to
from retrieval.sources.limiter import ARXIV, Service
from retrieval.sources.record import LONGEST_TEXT
from retrieval.sources.record_authors import people
from retrieval.sources.syndication import names_of, parse_feed, terms_of, text_of, time_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from retrieval.sources.identifiers import ArxivId
    from retrieval.sources.web import Reply, Web

STALE_AFTER = dt.timedelta(days=30)
# arXiv announces at 20:00 US Eastern, Sunday to Thursday; the feed has it this long after the end of the day (UTC).
ARXIV_DUE = dt.timedelta(hours=6)

_OK, _NOT_MODIFIED = 200, 304
_FRIDAY = 4
_FOREWORD = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*\S+\s+(?:Abstract:\s*)?")


@dataclass(frozen=True, slots=True)
class _Reading:
    papers: tuple[Fetched, ...]
    entries: int
    newest: dt.datetime | None
    etag: str | None
    modified: str | None


class Feed:
    """The papers in a feed."""

    def __init__(self, web: Web, url: str) -> None:
        """Set up a feed by its address; nothing is fetched yet."""
        self._web = web
        self.name = url
        self._shown = shown(url)
        self._host = (urlsplit(url).hostname or url).removeprefix("www.")
        self._is_arxiv = self._host == "arxiv.org" or self._host.endswith(".arxiv.org")
        self._service = ARXIV if self._is_arxiv else Service(self._host)

    async def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield one page, empty if the feed has not changed since the cursor."""
        cursor = cursor or Cursor()
        reading = await self._web.get(
            self._service, self.name, self._read, headers=_unless_changed(cursor), accept=(_OK, _NOT_MODIFIED)
        )
        if reading is None:
            yield Page((), replace(cursor, complete=True), 1.0, self._notice(cursor.newest, None))
            return
        newest = max((time for time in (cursor.newest, reading.newest) if time), default=None)
        after = Cursor(complete=True, newest=newest, etag=reading.etag, modified=reading.modified)
        yield Page(reading.papers, after, 1.0, self._notice(reading.newest, reading))

    def _read(self, reply: Reply) -> _Reading | None:
        if reply.status == _NOT_MODIFIED:
            return None
        parsed = parse_feed(reply, self._service.name, strict=False)
        papers = tuple(
            paper for entry in parsed.entries if (paper := paper_of(entry, self._host, arxivs=self._is_arxiv))
        )
        dates = [date for entry in parsed.entries if (date := _latest(entry))]
        # With no entries, the feed's own date tells its age; otherwise, that is only when the file was written.
        newest = max(dates) if dates else _latest(parsed.feed)
        headers = reply.headers
        return _Reading(papers, len(parsed.entries), newest, headers.get("etag"), headers.get("last-modified"))

    def _notice(self, newest: dt.datetime | None, reading: _Reading | None) -> str | None:
        """A sentence if the feed is stale or empty, or has entries without a title."""
        now = self._web.clock.now()
        if self._is_arxiv and newest and newest.date() < (due := _last_due(now)):
            return (
                f"arXiv's feed {self._shown} is of {newest:%Y-%m-%d}, and one of {due} was due; it is stale, or arXiv "
                "has a holiday."
            )
        if reading and not reading.entries:
            return f"The feed {self._shown} is empty{', as on weekends and holidays' if self._is_arxiv else ''}."
        if reading and len(reading.papers) < reading.entries:
            left_out = reading.entries - len(reading.papers)
            return f"{left_out} of {reading.entries} entries in the feed {self._shown} have no title; left out."
        if newest and now - newest > STALE_AFTER:
            return f"The feed {self._shown} has had nothing new since {newest:%Y-%m-%d}; it may be abandoned."
        return None


def paper_of(entry: Any, source: str, *, arxivs: bool) -> Fetched | None:  # noqa: ANN401
    """A feedparser entry as a paper, None without a title or if too long; `arxivs`: the feed is arXiv's own."""
    arxiv_id, doi = _ids(entry)
    # arXiv's feeds label TeX as HTML; "<" in it is a plain character.
    of_arxiv = arxiv_id is not None and (arxivs or "arxiv_announce_type" in entry)
    title = one_line(entry.get("title", "") if of_arxiv else text_of(entry, "title"))
    abstract = unwrap(_FOREWORD.sub("", entry.get("summary", ""), count=1) if of_arxiv else _abstract(entry))
    if not title or len(title) + len(abstract) > LONGEST_TEXT:
        return None
    number = arxiv_id.number if arxiv_id else None
    ids = identities(title, arxiv_id=number, doi=doi)
    announce_type = entry.get("arxiv_announce_type")
    published, updated = time_of(entry, "published"), time_of(entry, "updated")
    # Cross-listings and replacements carry today's date, whenever the paper appeared.
    appeared = (published or updated) if announce_type in {None, "new"} else None
    terms = terms_of(entry)
    comment = text_of(entry, "arxiv_comment")
    return Fetched(
        paper=Paper(
            paper_id=ids[0],
            title=title,
            abstract=abstract,
            source=arxiv.SOURCE if of_arxiv else source,
            url=link_to([] if number else [entry.get("link") or ""], number, doi),
            published=appeared.date() if appeared else None,
        ),
        code_url=code_link(comment, abstract),
        keywords=() if arxiv_id else terms,
        version=arxiv_id.version if arxiv_id else None,
        withdrawn=is_withdrawn(comment, abstract),
        # arXiv's feeds give only the day of the announcement.
        updated=None if of_arxiv else updated or published,
        external_ids=ids,
        authors=_authors(names_of(entry)),
        categories=terms if arxiv_id else (),
        announce_type=announce_type,
        venue=one_line(text_of(entry, "arxiv_journal_ref")) or None,
    )


def _unless_changed(cursor: Cursor) -> Mapping[str, str]:
    marks = {"If-None-Match": cursor.etag, "If-Modified-Since": cursor.modified}
    return {name: mark for name, mark in marks.items() if mark}


def _last_due(now: dt.datetime) -> dt.date:
    """The date of the newest feed that arXiv should have by now; it has one from Monday to Friday, UTC."""
    day = (now - ARXIV_DUE).date()
    return day - dt.timedelta(days=max(0, day.weekday() - _FRIDAY))


def _latest(dated: Any) -> dt.datetime | None:  # noqa: ANN401
    return max((date for name in ("published", "updated") if (date := time_of(dated, name))), default=None)


def _ids(entry: Any) -> tuple[ArxivId | None, str | None]:  # noqa: ANN401
    fields = [entry.get(name) for name in ("id", "link", "prism_doi", "dc_identifier", "arxiv_doi")]
    texts = [field for field in fields if isinstance(field, str)]
    return arxiv_in(text.partition("?")[0] for text in texts), doi_in(texts)


def _abstract(entry: Any) -> str:  # noqa: ANN401
    """The summary, or the content if there is no summary."""
    if "summary_detail" in entry:  # without it, feedparser repeats the content as the summary
        return text_of(entry, "summary")
    content = (entry.get("content") or [{}])[0]
    value = content.get("value") or ""
    return plain(value) if "html" in content.get("type", "") else value


def _authors(names: tuple[str, ...]) -> tuple[str, ...]:
    """Split names that a feed may have put in one field."""
    return people(names[0]) if len(names) == 1 else names
