"""Searches whose pages can be turned: kept in the buttons themselves, or for a while here where they do not fit."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

from bot.discord.markdown import length
from bot.discord.render import PAGE_PAPERS, search_page

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.discord.render import Card
    from retrieval.library import Library

Sort: TypeAlias = Literal["best", "newest"]

CAPACITY: Final = 1000
MOST_HITS: Final = 50
TOKEN_CHARACTERS: Final = 60
_WRITTEN, _KEPT, _BETWEEN = "w", "k", "~"


@dataclass(frozen=True, slots=True)
class Search:
    """Hold what was looked for, and among which papers; `newest` sorts the best hits by their day."""

    query: str
    since: dt.date | None = None
    source: str | None = None
    sort: Sort = "best"


class Searches:
    """Give each search a token of at most 60 characters, and know the search by it.

    A token that says the search itself is good for ever; the others are forgotten, the oldest first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, Search] = OrderedDict()

    def token(self, search: Search) -> str:
        """Return the token of a search."""
        written = _BETWEEN.join(
            (_WRITTEN + search.sort[0], _day(search.since), search.source or "", search.query),
        )
        if length(written) <= TOKEN_CHARACTERS and _read(written) == search:
            return written
        token = _KEPT + secrets.token_urlsafe(12)
        self._kept[token] = search
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return token

    def find(self, token: str) -> Search | None:
        """Return the search of a token; None where it is forgotten."""
        return self._kept.get(token) if token.startswith(_KEPT) else _read(token)


async def show_page(
    library: Library, searches: Searches, search: Search, page: int = 0, *, starred: Collection[str] = ()
) -> Card:
    """Search and return the page (counted from 0, the last one for any beyond it) as a message."""
    hits = await library.search(search.query, limit=MOST_HITS, since=search.since, source=search.source)
    if search.sort == "newest":
        hits = sorted(hits, key=lambda hit: hit.paper.published or dt.date.min, reverse=True)
    pages = max(1, -(-len(hits) // PAGE_PAPERS))
    page = min(page, pages - 1)
    shown = hits[page * PAGE_PAPERS : (page + 1) * PAGE_PAPERS]
    return search_page(shown, search.query, page, pages, searches.token(search), starred=starred)


def _day(day: dt.date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""


def _read(token: str) -> Search | None:
    """Return the search that the token says, None where it says none; Discord keeps only what can be seen."""
    head, *rest = token.split(_BETWEEN, 3)
    if len(rest) != 3 or not token.isprintable() or token != token.strip():  # noqa: PLR2004 - day, source, query
        return None
    day, source, query = rest
    sort = next((name for name in get_args(Sort) if head == _WRITTEN + name[0]), None)
    if sort is None or not query:
        return None
    try:
        since = dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC).date() if day else None
    except ValueError:
        return None
    return Search(query, since, source or None, cast("Sort", sort))
