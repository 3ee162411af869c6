"""`footnote search`: ranked papers in the terminal; loads nothing that a search does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from bot.answering.gap_notes import gap_notes
from bot.answering.reading.correction import slips_mended
from bot.commands.manage_papers import check_source, say_undated
from bot.console import print_json, printable, show_hits, stderr, stdout
from bot.factory import open_library, prepare_library
from bot.invocation import command
from retrieval import BadInputError
from retrieval.text.text import clean

if TYPE_CHECKING:
    import datetime as dt

    from bot.settings import Settings
    from retrieval import Hit


async def search(
    settings: Settings, query: str, *, limit: int, since: dt.date | None, source: str | None, as_json: bool
) -> None:
    """Print ranked papers for a query."""
    if not query.strip():
        raise BadInputError(f'Say what to look for: {command("search")} "objective mismatch"')
    async with open_library(settings) as library:
        await prepare_library(library)
        if source is not None:
            await check_source(library, source)
        meant = await slips_mended(query, library)
        hits = await library.search(meant.text, limit=limit, since=since, source=source)
        await say_undated(library, since, source)
        lines = gap_notes(library.gaps)
    for line in lines:
        stderr().print(printable(line), soft_wrap=True)
    for typed, word in meant.read_as:
        stderr().print(printable(f"Read “{typed}” as “{word}”."), soft_wrap=True)
    if as_json:
        print_json([_row(hit) for hit in hits])
    else:
        show_hits(hits, stdout())


class FoundJson(TypedDict):
    """A paper that was found, the best first; later versions may add keys, and take none away.

    `score` compares within one search only; `published` is a day (YYYY-MM-DD); `passage` is what of the paper fits the
    query best, and may be empty.
    """

    paper_id: str
    title: str
    score: float
    url: str | None
    published: str | None
    source: str
    passage: str


def _row(hit: Hit) -> FoundJson:
    paper = hit.paper
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "score": round(hit.score, 4),
        "url": paper.url,
        "published": paper.published.isoformat() if paper.published else None,
        "source": paper.source,
        "passage": clean(hit.passages[0].text) if hit.passages else "",
    }
