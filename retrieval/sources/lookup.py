"""Look up one paper at arXiv by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieval.papers import identify
from retrieval.sources.arxiv import paper_of
from retrieval.sources.fetched import SourceError
from retrieval.sources.limiter import ARXIV
from retrieval.sources.syndication import parse_feed

if TYPE_CHECKING:
    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched
    from retrieval.sources.web import Reply, Web

_OK, _BAD_REQUEST = 200, 400  # with either, arXiv answers an impossible id with an error entry


async def look_up(web: Web, base_url: str, arxiv_id: str) -> Paper | None:
    """The newest version of a paper, as from `fetch_one`, without authors and other facts."""
    found = await fetch_one(web, base_url, arxiv_id)
    return found.paper if found else None


async def fetch_one(web: Web, base_url: str, arxiv_id: str) -> Fetched | None:
    """The newest version of a paper; None if arXiv has no such paper, or none with an abstract.

    Args:
        web: the HTTP client.
        base_url: the API's host, https://export.arxiv.org.
        arxiv_id: the id without a version.

    Raises:
        SourceError: if arXiv cannot be reached, or the paper was withdrawn.
    """
    return await web.get(
        ARXIV,
        f"{base_url.rstrip('/')}/api/query",
        lambda reply: _read(reply, arxiv_id),
        params={"search_query": "", "id_list": arxiv_id, "start": "0", "max_results": "1"},
        accept=(_OK, _BAD_REQUEST),
    )


def _read(reply: Reply, arxiv_id: str) -> Fetched | None:
    entries = parse_feed(reply, ARXIV.name, strict=True).entries
    return next((paper for entry in entries if (paper := _fetched(entry, arxiv_id))), None)


def _fetched(entry: Any, arxiv_id: str) -> Fetched | None:  # noqa: ANN401
    """An entry as a paper, if it is the one asked for and has an abstract."""
    found = paper_of(entry)
    if found is None or found.paper.paper_id != identify("", arxiv_id=arxiv_id) or not found.paper.abstract:
        return None
    if found.withdrawn:
        raise SourceError(f"The paper {arxiv_id} was withdrawn from arXiv, so there is nothing to quote.")
    return found
