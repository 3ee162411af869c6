"""Searches with pages: stored in the button ids themselves, or in the store if they do not fit."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, cast, get_args

from bot.answering.gap_notes import gap_notes
from bot.answering.reading.correction import as_meant
from bot.answering.reading.language_detection import ENGLISH
from bot.discord.papers.paper_card import PAGE_PAPERS, nothing_on, search_page
from bot.discord.papers.relevance import relevant
from bot.discord.ui.markdown import length
from bot.store import Search, Sort

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.discord.ui.layout import Card
    from bot.store import Searches
    from retrieval import Library, Paper

MOST_HITS: Final = 50
TOKEN_CHARACTERS: Final = 60
_WRITTEN, _STORED, _BETWEEN = "w", "k", "~"


async def token_of(search: Search, searches: Searches) -> str:
    """Make the token of a search, at most 60 characters: the search itself, or the key of the stored search."""
    return written(search) or _STORED + await searches.keep(search)


def written(search: Search) -> str | None:
    """Write a search as a token, None if it does not fit."""
    token = _BETWEEN.join((_WRITTEN + search.sort[0], _day(search.since), search.source or "", search.query))
    return token if length(token) <= TOKEN_CHARACTERS and _read(token) == search else None


async def find(token: str, searches: Searches) -> Search | None:
    """Find the search of a token; None if it is no longer stored."""
    return await searches.get(token.removeprefix(_STORED)) if token.startswith(_STORED) else _read(token)


async def show_page(
    library: Library, searches: Searches, search: Search, page: int = 0, *, starred: Collection[str] = ()
) -> Card:
    """Search, and lay out a page (from 0; the last one for any beyond it) of the relevant hits."""
    language, meant = await as_meant(search.query, library)
    found = await library.search(meant.text, limit=MOST_HITS, since=search.since, source=search.source)
    hits = await relevant(meant.text, found, library)
    lines = gap_notes(library.gaps)
    undated = (await library.count(since=search.since, source=search.source)).undated if search.since else 0
    if not hits:
        return nothing_on(meant.text, english=language == ENGLISH, undated=undated, lines=lines)
    if search.sort == "newest":
        hits = sorted(hits, key=lambda hit: hit.paper.published or dt.date.min, reverse=True)
    pages = -(-len(hits) // PAGE_PAPERS)
    page = min(page, pages - 1)
    shown = hits[page * PAGE_PAPERS : (page + 1) * PAGE_PAPERS]
    token = await token_of(search, searches)
    authors = await authors_of([hit.paper for hit in shown], library)
    return search_page(
        shown, meant.text, page, pages, token, authors=authors, starred=starred, undated=undated, lines=lines
    )


async def authors_of(papers: Sequence[Paper], library: Library) -> dict[str, tuple[str, ...]]:
    """Load the authors' names of some papers, by paper id."""
    details = await library.details([paper.paper_id for paper in papers])
    return {paper_id: record.authors for paper_id, record in details.items()}


def _day(day: dt.date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""


def _read(token: str) -> Search | None:
    """Parse the search in a token, None if there is none; Discord strips invisible characters."""
    match token.split(_BETWEEN, 3):
        case [head, day, source, query] if token.isprintable() and token == token.strip():
            pass
        case _:
            return None
    sort = next((name for name in get_args(Sort) if head == _WRITTEN + name[0]), None)
    if sort is None or not query:
        return None
    try:
        since = dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC).date() if day else None
    except ValueError:
        return None
    return Search(query, since, source or None, cast("Sort", sort))
