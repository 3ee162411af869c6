"""Ingestion: read what a user calls a source, whatever it is, into a library."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retrieval.catalogue.upsert import Added
from retrieval.sources import Stream
from retrieval.sources.fetched import SourceError
from retrieval.sources.single import Single

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.progress import Progress
    from retrieval.sources.fetched import OnlineSource


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of reading a source.

    Attributes:
        added: the papers that were read, up to the failure if there was one.
        remarks: sentences on what was left out or should be known.
        failure: why the source could not be read to its end, in a sentence; None if it was.
    """

    added: Added
    remarks: tuple[str, ...] = ()
    failure: str | None = None


async def ingest_source(
    library: Library, source: OnlineSource | Stream | Single, progress: Progress, *, full_text: bool = False
) -> Ingested:
    """Read a source into a library; with `full_text`, a single paper comes with its full text."""
    match source:
        case Stream():
            added = await library.add(source.papers, progress)
            return Ingested(added, tuple(source.intake.sentences()))
        case Single():
            return await _ingest_single(library, source, full_text=full_text)
        case _:
            return await _ingest_online(library, source, progress)


async def _ingest_single(library: Library, source: Single, *, full_text: bool) -> Ingested:
    """Fetch and store one paper; without its full text if only that fails."""
    papers, failure = [], None
    try:
        papers = [await source.fetch()]
        if full_text:
            papers = [replace(papers[0], full_text=await source.fetch_full_text())]
    except SourceError as error:
        failure = str(error)
    return Ingested(await library.add(papers), failure=failure)


async def _ingest_online(library: Library, source: OnlineSource, progress: Progress) -> Ingested:
    """Read a source from where it was left, after indexing what was pending."""
    added, remarks, failure = Added(), dict[str, None](), None
    try:
        await library.index_pending()
        async with aclosing(library.ingest(source, progress)) as pages:
            async for page, some in pages:
                added += some
                if page.notice:
                    remarks[page.notice] = None
    except SourceError as error:
        failure = str(error)
    return Ingested(added, tuple(remarks), failure)
