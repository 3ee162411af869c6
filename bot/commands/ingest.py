"""`footnote ingest`, `rebuild` and `stats`: the library from the terminal."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.console import print_json, printable, progress_bar, show_figures, stderr, stdout
from bot.factory import make_embedder, open_library
from bot.invocation import command
from retrieval import Added, BadInputError, ServerAwayError
from retrieval.catalogue.catalogue import Catalogue
from retrieval.index.embedding_worker import embed_pending
from retrieval.index.stamp import stamp_of
from retrieval.ingestion import ingest_source
from retrieval.sources import Stream, open_spec
from retrieval.sources.choice import Choice, read_categories
from retrieval.sources.fetched import SourceError
from retrieval.sources.single import Addresses, Single
from retrieval.sources.web import Web

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from bot.settings import Settings
    from retrieval.sources.fetched import OnlineSource


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `ingest`, for all of its sources."""

    categories: tuple[str, ...]
    since: dt.date | None
    strict: bool
    full_text: bool
    as_page: bool


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
    options = Options(tuple(categories), since, strict, full_text, as_page)
    added = Added()
    failures: list[str] = []
    async with Web(say=_say) as web:
        opened = _open(settings, sources, web, options)
        async with open_library(settings) as library:
            for source in opened:
                with progress_bar("Indexing" if isinstance(source, Stream) else f"Reading {source.name}") as report:
                    ingested = await ingest_source(library, source, report, full_text=full_text)
                added += ingested.added
                if ingested.failure:
                    failures.append(ingested.failure)
                for remark in ingested.remarks:
                    stderr().print(printable(remark), soft_wrap=True)
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


def _open(settings: Settings, specs: Sequence[str], web: Web, options: Options) -> list[OnlineSource | Stream | Single]:
    """Open the named sources; raises BadInputError if one is not a source, or the options do not suit it."""
    addresses = Addresses(
        arxiv=settings.arxiv.base_url,
        doi=settings.doi.base_url,
        openreview=settings.openreview.base_url,
        acl=settings.acl.base_url,
    )
    asked = read_categories(options.categories)
    opened = [
        open_spec(
            spec,
            web,
            addresses,
            Choice(asked, options.since),
            huggingface_url=settings.huggingface.base_url,
            strict=options.strict,
            as_page=options.as_page,
        )
        for spec in specs
    ]
    if asked or options.since:
        _refuse_to_choose(opened)
    if options.full_text:
        _demand_full_texts(opened)
    return opened


def _say(sentence: str) -> None:
    stderr().print(printable(sentence), soft_wrap=True)


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
