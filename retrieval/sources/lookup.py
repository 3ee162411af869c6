"""Look one paper up at arXiv by its id."""

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

_OK, _BAD_REQUEST = 200, 400  # arXiv answers an id that cannot be with an entry of its own, under either


async def look_up(web: Web, base_url: str, arxiv_id: str) -> Paper | None:
    """Return the newest version of a paper as `fetch_one` does, without what arXiv says beside it."""
    found = await fetch_one(web, base_url, arxiv_id)
    return found.paper if found else None


async def fetch_one(web: Web, base_url: str, arxiv_id: str) -> Fetched | None:
    """Return the newest version of a paper, None where arXiv has none of this id.

    Args:
        web: what to fetch with.
        base_url: the API's host, https://export.arxiv.org.
        arxiv_id: the id without a version.

    Raises:
        SourceError: where arXiv cannot be asked, and for a paper that was withdrawn.
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
    """Return an entry as a paper if it is the one asked for."""
    found = paper_of(entry)
    if found is None or found.paper.paper_id != identify("", arxiv_id=arxiv_id) or not found.paper.abstract:
        return None
    if found.withdrawn:
        raise SourceError(f"The paper {arxiv_id} was withdrawn from arXiv, so there is nothing to quote.")
    return found
