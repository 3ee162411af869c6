"""Read a source to its end, or until it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.sources.fetched import SourceError

if TYPE_CHECKING:
    from retrieval.sources.fetched import Cursor, OnlineSource, Page


async def read_until_error(source: OnlineSource, cursor: Cursor | None = None) -> tuple[list[Page], str]:
    """Collect the pages that come before a source's error, and its message; empty if there is no error."""
    pages: list[Page] = []
    try:
        async for page in source.pages(cursor):
            pages.append(page)  # noqa: PERF401  # what came before an error is wanted
    except SourceError as error:
        return pages, str(error)
    return pages, ""
