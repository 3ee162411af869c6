"""Hugging Face Daily Papers, day by day, with upvotes, code and keywords.

It uses huggingface_hub's HTTP client and headers, but not its `list_daily_papers`, which has no timeout and whose
PaperInfo drops what is nested in `paper`, such as the repository, the keywords and the day.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from retrieval.errors import BadInputError
from retrieval.papers import ARXIV_ID, Paper
from retrieval.sources.fetched import Cursor, Fetched, Page, SourceError, identities
from retrieval.sources.fields import address, moment, one_line, unwrap
from retrieval.sources.limiter import HUGGING_FACE
from retrieval.sources.record import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from retrieval.sources.web import Reply, Web

SOURCE = "huggingface"
PAPERS = "https://huggingface.co/papers"
FIRST_LIST = dt.date(2023, 5, 1)  # the month in which the lists began
# The service's default. It might silently cap a larger one, and a page that is not full ends the list.
PAGE = 50
MOST_PAGES = 40  # of one day; a day has only a few
FIRST = dt.timedelta(days=7)  # a week has lists even if it begins on a weekend
AGAIN = dt.timedelta(days=2)  # votes and links still come in after a list's own day
_DAY = dt.timedelta(days=1)


class HuggingFaceDaily:
    """Daily lists over a range of days; without a range, the newest lists and those still gathering votes."""

    def __init__(self, web: Web, base_url: str, first: dt.date | None = None, last: dt.date | None = None) -> None:
        """Check the days; raises BadInputError if they are reversed, in the future or before the first list.

        Args:
            web: the HTTP client.
            base_url: the endpoint, https://huggingface.co.
            first: the first day; None for a window that moves with today.
            last: the last day; None for `first` alone.
        """
        self._web = web
        self._url = f"{base_url.rstrip('/')}/api/daily_papers"
        self._range = (first, last or first) if first else None
        self.name = _name(self._range)
        if self._range:
            _check(*self._range, today=self._today())

    async def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield the pages of each day's list, oldest day first; an empty day gives a page without papers."""
        from huggingface_hub import get_async_session

        today = self._today()
        first, last = self._range or self._window(cursor, today)
        day, position = first, 0
        resumes = cursor is not None and (self._range is not None or not cursor.complete)
        if cursor and cursor.day and resumes and first <= cursor.day <= last + _DAY:
            day, position = cursor.day, cursor.position
        cursor = replace(cursor or Cursor(), complete=False)
        if day > last:
            yield Page((), replace(cursor, complete=True), 1.0, f"The lists of {self.name} have been read already.")
            return
        seen: set[str] = set()
        async with get_async_session() as client:
            while day <= last:
                page, ended = await self._page(client, day, position, today, seen)
                newest = max((date for date in (cursor.newest, page.cursor.newest) if date), default=None)
                # Today's list is still growing, so the next reading begins with it.
                following = day if not ended or day == today else day + _DAY
                cursor = Cursor(ended and day == last, 0 if ended else position + 1, following, newest=newest)
                yield replace(page, cursor=cursor, share=((day - first).days + ended) / ((last - first).days + 1))
                day, position = (day + _DAY, 0) if ended else (day, position + 1)
                seen = set() if ended else seen

    async def _page(
        self, client: httpx2.AsyncClient, day: dt.date, position: int, today: dt.date, seen: set[str]
    ) -> tuple[Page, bool]:
        """One page of a day's list, and whether it is the last; of its cursor, only `newest` is set."""
        from huggingface_hub.utils import build_hf_headers

        # No token: the lists are public, and the endpoint may belong to anyone.
        items = await self._web.get(
            HUGGING_FACE,
            self._url,
            _items,
            params={"date": day.isoformat(), "p": str(position), "limit": str(PAGE)},
            headers=build_hf_headers(token=False, library_name="footnote"),
            client=client,
        )
        submitted = [when.date() for item in items if (when := moment(_inner(item).get("submittedOnDailyAt")))]
        # A list whose papers were all submitted on earlier days is an old one under a new date.
        stale = bool(submitted) and max(submitted) < day
        listed = max(submitted) if stale else day
        papers = tuple(paper for item in items if (paper := _fetched(item, listed)))
        fresh = {paper.paper.paper_id for paper in papers} - seen
        seen |= fresh
        # A server without paging would send the same page forever.
        ended = len(items) < PAGE or not fresh or position + 1 >= MOST_PAGES
        newest = dt.datetime.combine(listed, dt.time(), dt.UTC) if papers else None
        notice = _notice(day, today, listed, first_page=position == 0, items=len(items), papers=len(papers))
        return Page(papers, Cursor(newest=newest), 0.0, notice), ended

    def _window(self, cursor: Cursor | None, today: dt.date) -> tuple[dt.date, dt.date]:
        """The moving window: a week at first, later everything missed and the last days again."""
        if cursor is None or cursor.day is None:
            return today - FIRST + _DAY, today
        back = AGAIN if cursor.complete else dt.timedelta(0)
        return min(max(cursor.day - back, FIRST_LIST), today), today

    def _today(self) -> dt.date:
        return self._web.clock.now().date()


def _name(days: tuple[dt.date, dt.date] | None) -> str:
    """The source as a user writes it."""
    if days is None:
        return SOURCE
    first, last = days
    return f"{SOURCE}:{first}" if first == last else f"{SOURCE}:{first}..{last}"


def _check(first: dt.date, last: dt.date, *, today: dt.date) -> None:
    if last < first:
        raise BadInputError(f"The days {first}..{last} are the wrong way round; write {SOURCE}:{last}..{first}.")
    if first < FIRST_LIST:
        raise BadInputError(f"Hugging Face has daily lists since {FIRST_LIST}, none of {first}; ask for a later day.")
    if last > today:
        raise BadInputError(f"{last} is still to come (today is {today} in UTC); ask for a day up to today.")


def _items(reply: Reply) -> list[Any]:
    try:
        items = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"Hugging Face's list cannot be read (it is no whole JSON: {error}); try again later.", temporary=True
        ) from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SourceError("Hugging Face sent something else than a list of papers; try again later.", temporary=True)
    return items


def _inner(item: dict[str, Any]) -> dict[str, Any]:
    inner = item.get("paper")
    return inner if isinstance(inner, dict) else {}


def _fetched(item: dict[str, Any], listed: dt.date) -> Fetched | None:
    """An item as a paper; None if it is too long or lacks an id or a title, the only fields always there."""
    inner = _inner(item)
    title = one_line(_text(inner, "title") or _text(item, "title"))
    own_id = _text(inner, "id").strip()
    abstract = unwrap(_text(inner, "summary") or _text(item, "summary"))
    if not title or not own_id or len(title) + len(abstract) > LONGEST_TEXT:
        return None
    arxiv = ARXIV_ID.fullmatch(own_id)
    ids = identities(title, arxiv_id=own_id)
    published = moment(inner.get("publishedAt"))
    return Fetched(
        paper=Paper(
            paper_id=ids[0],
            title=title,
            abstract=abstract,
            source=SOURCE,
            url=f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else f"{PAPERS}/{quote(own_id, safe='')}",
            published=published.date() if published else listed,
        ),
        upvotes=_count(inner.get("upvotes")),
        code_url=address(inner.get("githubRepo")),
        keywords=tuple(dict.fromkeys(filter(None, map(one_line, _texts(inner.get("ai_keywords")))))),
        external_ids=ids,
        authors=tuple(_authors(inner.get("authors"))),
        listed=listed,
    )


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _authors(value: object) -> list[str]:
    people = [person for person in value if isinstance(person, dict)] if isinstance(value, list) else []
    return [name for person in people if not person.get("hidden") and (name := one_line(_text(person, "name")))]


def _notice(day: dt.date, today: dt.date, listed: dt.date, *, first_page: bool, items: int, papers: int) -> str | None:
    if not items and first_page:
        return f"Hugging Face lists no papers for {day:%A} {day}{', yet' if day == today else ''}."
    if listed != day:
        return f"Hugging Face's list for {day} is that of {listed} again; it may be stale."
    if papers < items:
        return f"{items - papers} of {items} papers in Hugging Face's list for {day} lack an id or a title; left out."
    return None
