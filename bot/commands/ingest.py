"""`footnote ingest`, `rebuild` and `stats`: the library from the terminal."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.console import print_json, printable, progress_bar, show_figures, stderr, stdout
from bot.factory import make_embedder, open_library
from bot.fetcher import online_source, pages_of, single_paper
from bot.invocation import command
from retrieval import Added, BadInputError, ServerAwayError
from retrieval.catalogue import Catalogue
from retrieval.embedding_worker import embed_pending
from retrieval.sources import Stream, is_here, stream_source
from retrieval.sources.choice import Choice, read_categories
from retrieval.sources.fetched import SourceError
from retrieval.sources.single import Single
from retrieval.sources.web import Web
from retrieval.stamp import stamp_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from bot.settings import Settings
    from retrieval import Fetched, Library
    from retrieval.library import Progress
    from retrieval.sources.fetched import OnlineSource
    from retrieval.sources.intake import Intake


async def ingest(
    settings: Settings,
    sources: Sequence[str],
    *,
    strict: bool = False,
    categories: Sequence[str] = (),
    since: dt.date | None = None,
    full_text: bool = False,
    as_page: bool = False,
) -> None:
    """Ingest papers from each source, after opening all of them.

    Unreadable entries of a file are reported and left out; with `strict` they stop the ingest. `categories` and `since`
    filter files, and `as_page` reads every file as a page dump. With `full_text`, papers from arXiv come with their
    full text.

    An online source is read on from its cursor. If one fails, its papers so far are kept and the other sources are
    still read; raises SourceError at the end.
    """
    failures: list[str] = []
    asked = read_categories(categories)
    async with Web(say=_say) as web:
        opened = [_open(settings, spec, web, Choice(asked, since), strict=strict, as_page=as_page) for spec in sources]
        if asked or since:
            _refuse_to_choose(opened)
        if full_text:
            _demand_full_texts(opened)
        async with open_library(settings) as library:
            added = Added()
            for source in opened:
                if isinstance(source, Stream):
                    with progress_bar("Indexing") as report:
                        added += await library.add(source.papers, report)
                    _tell(source.intake)
                    continue
                if isinstance(source, Single):
                    paper, trouble = await _fetch(source, full_text=full_text)
                    added += await library.add([paper] if paper else [])
                    failures += [trouble] if trouble else []
                    continue
                read, failure = await _read(library, source)
                added += read
                failures += [failure] if failure else []
            counts = await library.counts()
    waiting = f" {counts.pending} of them wait to be indexed." if counts.pending else ""
    withdrawn = f", {added.withdrawn} withdrawn" if added.withdrawn else ""
    removed = f", {added.removed} removed before and left out" if added.removed else ""
    stdout().print(
        f"{added.new} new, {added.changed} changed, {added.known} already known{withdrawn}{removed}; "
        f"the library holds {counts.papers} papers.{waiting}"
    )
    if failures:
        raise SourceError(f"{' '.join(failures)} What was read is kept; the same command goes on from there.")


def _open(
    settings: Settings, spec: str, web: Web, choice: Choice, *, strict: bool, as_page: bool
) -> OnlineSource | Stream | Single:
    """Open what a spec names; a file takes precedence over a paper with that id."""
    named = None if is_here(spec) else single_paper(settings, spec, web)
    online = named or online_source(settings, spec, web)
    return online or stream_source(spec, choice, strict=strict, as_page=as_page)


def _say(sentence: str) -> None:
    stderr().print(printable(sentence), soft_wrap=True)


async def _fetch(source: Single, *, full_text: bool) -> tuple[Fetched | None, str | None]:
    """Fetch a paper, and report what could not be fetched."""
    paper = None
    try:
        paper = await source.fetch()
        return (replace(paper, full_text=await source.fetch_full_text()) if full_text else paper), None
    except SourceError as error:
        return paper, str(error)


def _demand_full_texts(opened: Sequence[OnlineSource | Stream | Single]) -> None:
    """Raise BadInputError that says what to do instead if full texts are not available."""
    for source in opened:
        if isinstance(source, Stream) or not (isinstance(source, Single) and source.has_full_text):
            raise BadInputError(
                f"--full-text takes ids or links of single papers at arXiv, not {source.name}; of any other paper save "
                "the PDF, and ingest that file."
            )


def _refuse_to_choose(opened: Sequence[OnlineSource | Stream | Single]) -> None:
    """Raise BadInputError that says what to write instead if an online source is to be filtered."""
    for source in opened:
        if not isinstance(source, Stream):
            raise BadInputError(
                f"--category and --since choose from files, not from {source.name}; name categories and days in the "
                "source itself, such as arxiv:cs.CL:3 or huggingface:2024-05-27..2024-05-31."
            )


def _tell(intake: Intake) -> None:
    """Report how files were read, the first entries that were left out, and how many there were."""
    for sentence in (*intake.remarks, *intake.left_out.first):
        stderr().print(printable(sentence), soft_wrap=True)
    if more := intake.left_out.count - len(intake.left_out.first):
        stderr().print(f"{more:,} more could not be read.", soft_wrap=True)
    for sentence in intake.choice.sentences():
        stderr().print(printable(sentence), soft_wrap=True)


async def _read(library: Library, source: OnlineSource) -> tuple[Added, str | None]:
    """Ingest and index page by page, so that a kill costs one page; also return what failed."""
    reading = await library.source_state(source.name)
    added, notices, failure = Added(), [], None
    try:
        with progress_bar(f"Reading {source.name}") as report:
            await library.index_pending()
            before = 0.0
            async with aclosing(pages_of(source, reading.cursor if reading else None)) as pages:
                async for page in pages:
                    if page.notice:
                        notices.append(page.notice)
                    added += await library.ingest_page(page, source.name)
                    await library.index_pending(_part(report, before, page.share))
                    report(round(100 * page.share), 100)
                    before = page.share
    except SourceError as error:
        failure = str(error)
    for notice in dict.fromkeys(notices):
        stderr().print(printable(notice), soft_wrap=True)
    return added, failure


def _part(report: Progress, before: float, after: float) -> Progress:
    """Make a progress callback for one section of a bar of a hundred."""
    return lambda done, total: report(round(100 * (before + (after - before) * done / total)), 100)


async def embed(settings: Settings) -> None:
    """Embed pending papers of a shared library, alongside the process that indexes them."""
    if settings.database_url is None:
        raise BadInputError(
            "`footnote embed` helps to fill a library that several processes share; set FOOTNOTE_DATABASE_URL to its "
            f"database, or run `{command('ingest')}`, which embeds by itself."
        )
    embedder = await make_embedder(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(embedder.close)
        catalogue = await Catalogue.open(settings.database_url)
        stack.push_async_callback(catalogue.close)
        with progress_bar("Embedding") as report:
            count = await embed_pending(catalogue, embedder, stamp_of(embedder), report)
    stdout().print(f"Embedded {count} papers; whoever indexes the library will use the vectors.")


async def rebuild(settings: Settings) -> None:
    """Empty the derived indexes and fill them again from the catalogue."""
    async with open_library(settings, rebuild=True) as library:
        with progress_bar("Rebuilding") as report:
            count = await library.index_pending(report)
        if (await library.counts()).pending:
            raise ServerAwayError(
                f"The indexes are incomplete; run `{command('rebuild')}` again once the server answers."
            )
    stdout().print(f"Rebuilt the indexes of {count} papers.")


async def stats(settings: Settings, *, as_json: bool) -> None:
    """Print what the library holds."""
    async with open_library(settings) as library:
        counts = await library.counts()
        model = library.embedder.model
        fault = library.fault
    figures = {
        "papers": counts.papers,
        "waiting to be indexed": counts.papers if fault else counts.pending,
        "chunks": counts.chunks,
        "full texts": counts.full_texts,
        "withdrawn": counts.withdrawn,
        "removed": counts.removed,
        "newest": counts.newest.isoformat() if counts.newest else None,
        "embedding model": model,
    }
    if as_json:
        print_json(figures | {"sources": dict(counts.by_source)})
    else:
        by_source = {f"from {source}": count for source, count in counts.by_source.items()}
        show_figures("Library", {**figures, **by_source}, stdout())
