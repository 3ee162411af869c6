"""Show papers: a single one, a page of a search, similar papers, and a server's favourites."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.cite_menu import cite_menu
from bot.discord.ui.layout import COLOUR, Block, Card, button, notice, pages, rows, star
from bot.discord.ui.markdown import escape, plain, shorten
from bot.discord.ui.phrases import TITLE_CHARACTERS, address, origin, title_link, title_of
from bot.language import say, say_many

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bot.discord.ui.layout import Item
    from bot.store import Trend
    from retrieval import Hit, Paper

PAGE_PAPERS: Final = 5
QUERY_CHARACTERS: Final = 300  # of the query, escaped
MOST_PAPERS: Final = 10  # per message; each takes three of its 40 components
# Characters per listed paper, so that all of them fit into a message.
LINK_ROOM: Final = 360
PASSAGE_CHARACTERS: Final = 160
TREND_ROOM: Final = 290
ABSTRACT_CHARACTERS: Final = 2800
MOST_AUTHORS: Final = 8  # when a single paper is shown

Authors: TypeAlias = "Mapping[str, Sequence[str]]"
NOBODY_KNOWN: Final[Authors] = MappingProxyType({})


def nothing_on(query: str, *, english: bool, undated: int = 0, lines: Sequence[str] = ()) -> Card:
    """Say that no paper matches the query, and add `lines`.

    Unless it is `english`, say that the papers are. `undated` counts the papers that a first day left out because they
    have no date.
    """
    asked = escape(shorten(plain(query), QUERY_CHARACTERS))
    sentences = [say("I know no papers on “{query}”.", query=asked)]
    if not english:
        sentences.append(say("The papers are in English: English words find more."))
    if undated:
        sentences.append(_left_out(undated))
    return notice(" ".join([*sentences, *lines]))


def search_page(
    hits: Sequence[Hit],
    query: str,
    page: int,
    pages: int,
    token: str,
    *,
    authors: Authors = NOBODY_KNOWN,
    starred: Collection[str] = (),
    undated: int = 0,
    lines: Sequence[str] = (),
) -> Card:
    """Lay out a page (from 0) of a search's hits, with buttons to the pages before and after it.

    `hits` are the 1 to PAGE_PAPERS hits of this page; `token` identifies the search, `authors` are names by paper id,
    `undated` is as in `nothing_on`, and `lines` go at the end.
    """
    heading = say("Papers on “{query}”", query=escape(shorten(plain(query), QUERY_CHARACTERS)))
    listed = _list(hits, first=page * PAGE_PAPERS + 1, authors=authors, starred=starred)
    small = [say("Page {page} of {pages}", page=page + 1, pages=pages)] if pages > 1 else []
    small += [_left_out(undated)] if undated else []
    where = [[Block(f"-# {line}")] for line in (*([" · ".join(small)] if small else []), *lines)]
    turns = [button(say("◀ Previous"), ids.page(page - 1, token))] if page > 0 else []
    if page + 1 < pages:
        turns.append(button(say("Next ▶"), ids.page(page + 1, token)))
    return _card([[Block(f"### {heading}")], listed, *where], *rows(turns), *cite_menu(hit.paper for hit in hits))


def _left_out(undated: int) -> str:
    return say_many("One paper has no date and is left out.", "{n} papers have no date and are left out.", undated)


def similar_page(
    paper: Paper, hits: Sequence[Hit], *, authors: Authors = NOBODY_KNOWN, starred: Collection[str] = ()
) -> Card:
    """Lay out the papers like this one, best first."""
    others = [hit for hit in hits if hit.paper.paper_id != paper.paper_id][:PAGE_PAPERS]
    title = title_link(paper, LINK_ROOM)
    if not others:
        return notice(say("I know no papers like {title}.", title=title))
    return _card(
        [[Block(say("Papers like {title}", title=title))], _list(others, authors=authors, starred=starred)],
        *cite_menu(hit.paper for hit in others),
    )


def paper_card(paper: Paper, authors: Sequence[str] = (), *, starred: bool = False) -> Card:
    """Lay out one paper with its authors, abstract and star, and the buttons for it."""
    title = escape(shorten(title_of(paper), TITLE_CHARACTERS))
    abstract = escape(shorten(plain(paper.abstract), ABSTRACT_CHARACTERS))
    byline = origin(paper, authors, most=MOST_AUTHORS)
    blocks = [Block(f"### {title}" + (f"\n-# {byline}" if byline else "")), *([Block(abstract)] if abstract else [])]
    buttons = [
        star(paper.paper_id, lit=starred),
        button(say("Similar papers"), ids.similar(paper.paper_id)),
        button(say("Cite"), ids.cite(paper.paper_id)),
    ]
    if url := address(paper):
        buttons.append(ui.Button[Any](label=say("Open"), url=url))
    return _card([blocks], *rows(buttons))


def trends(entries: Sequence[tuple[Paper, Trend]], days: int) -> Card:
    """Lay out what a server asked about and liked in this many days, best first."""
    if not entries:
        return notice(say("Nothing was asked or liked here lately. Ask me something!"))
    heading = say_many("Papers of the last day here", "Papers of the last {n} days here", days)
    lines = []
    for number, (paper, trend) in enumerate(entries[:MOST_PAPERS], start=1):
        counts = [say_many("in one answer", "in {n} answers", trend.asked)] if trend.asked else []
        if trend.liked > 0:
            counts.append(say_many("liked once", "liked {n} times", round(trend.liked)))
        below = f"\n-# {' · '.join(counts)}" if counts else ""
        lines.append(Block(f"**{number}.** {title_link(paper, TREND_ROOM)}{below}", star(paper.paper_id, lit=False)))
    return _card([[Block(f"### {heading}")], lines])


def _list(hits: Sequence[Hit], *, first: int = 1, authors: Authors, starred: Collection[str]) -> list[Block]:
    return [
        Block(
            f"**{number}.** {_found(hit, authors.get(hit.paper.paper_id, ()))}",
            star(hit.paper.paper_id, lit=hit.paper.paper_id in starred),
        )
        for number, hit in enumerate(hits[:MOST_PAPERS], start=first)
    ]


def _found(hit: Hit, authors: Sequence[str]) -> str:
    """Format a hit: its title, its authors, and its sentence nearest to the query."""
    nearest = next((plain(found.text) for found in (*hit.sentences, *hit.passages)), "")
    # The source alone says little.
    byline = origin(hit.paper, authors) if authors or hit.paper.published else ""
    lines = [f"**{title_link(hit.paper, LINK_ROOM)}**", *([f"-# {byline}"] if byline else [])]
    if nearest:
        lines.append(f"> -# {escape(shorten(nearest, PASSAGE_CHARACTERS))}")
    return "\n".join(lines)


def _card(groups: Sequence[Sequence[Block]], *below: Item) -> Card:
    """Lay out one message; the blocks are few and short enough to fit."""
    (page,) = pages(groups, taken=0)
    return Card(ui.Container(*page, accent_colour=COLOUR), *below)
