"""`footnote search`, `ingest`, `rebuild` and `stats`: the library from the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.console import print_json, progress_bar, show_figures, show_hits, stdout
from bot.wiring import open_library, take_in
from retrieval.catalogue import Added
from retrieval.errors import BadInputError
from retrieval.sources import open_source
from retrieval.text import clean

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from bot.settings import Settings
    from retrieval.papers import Hit


async def search(
    settings: Settings, query: str, *, limit: int, since: dt.date | None, source: str | None, as_json: bool
) -> None:
    """Print ranked papers for a query."""
    if not query.strip():
        raise BadInputError('Say what to look for: footnote search "objective mismatch"')
    async with open_library(settings) as library:
        await take_in(library)
        hits = await library.search(query, limit=limit, since=since, source=source)
    if as_json:
        print_json([_row(hit) for hit in hits])
    else:
        show_hits(hits, stdout())


async def ingest(settings: Settings, sources: Sequence[str]) -> None:
    """Take papers in from each source; every source is read whole before any is added."""
    opened = [open_source(source) for source in sources]
    async with open_library(settings) as library:
        added = Added()
        with progress_bar("Indexing") as report:
            for source in opened:
                added += await library.add(source.papers, report)
        total = (await library.counts()).papers
    stdout().print(
        f"{added.new} new, {added.changed} changed, {added.known} already known; the library holds {total} papers."
    )


async def rebuild(settings: Settings) -> None:
    """Empty the derived indexes and fill them again from the catalogue."""
    async with open_library(settings, rebuild=True) as library:
        with progress_bar("Rebuilding") as report:
            count = await library.index_pending(report)
    stdout().print(f"Rebuilt the indexes of {count} papers.")


async def stats(settings: Settings, *, as_json: bool) -> None:
    """Print what the library holds."""
    async with open_library(settings) as library:
        counts = await library.counts()
        model = library.embedder.model
    figures = {
        "papers": counts.papers,
        "waiting to be indexed": counts.pending,
        "chunks": counts.chunks,
        "newest": counts.newest.isoformat() if counts.newest else None,
        "embedding model": model,
    }
    if as_json:
        print_json(figures | {"sources": dict(counts.by_source)})
    else:
        by_source = {f"from {source}": count for source, count in counts.by_source.items()}
        show_figures("Library", {**figures, **by_source}, stdout())


def _row(hit: Hit) -> dict[str, object]:
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
