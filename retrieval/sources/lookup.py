"""Look one paper up at arXiv by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieval.papers import ARXIV_ID, Paper, identify
from retrieval.sources.fetched import SourceError
from retrieval.sources.fields import is_withdrawn, one_line, unwrap
from retrieval.sources.limiter import ARXIV
from retrieval.sources.syndication import parse_feed, text_of, time_of

if TYPE_CHECKING:
    from retrieval.sources.web import Reply, Web

SOURCE = "arxiv"
_OK, _BAD_REQUEST = 200, 400  # arXiv answers an id that cannot be with an entry of its own, under either


async def look_up(web: Web, base_url: str, arxiv_id: str) -> Paper | None:
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


def _read(reply: Reply, arxiv_id: str) -> Paper | None:
    entries = parse_feed(reply, ARXIV.name, strict=True).entries
    return next((paper for entry in entries if (paper := _paper(entry, arxiv_id))), None)


def _paper(entry: Any, arxiv_id: str) -> Paper | None:  # noqa: ANN401
    """Return an entry as a paper if it is the one asked for."""
    known = ARXIV_ID.fullmatch(entry.get("id", "").rpartition("/abs/")[2])
    title, abstract = one_line(text_of(entry, "title")), unwrap(text_of(entry, "summary"))
    if known is None or known[1] != arxiv_id or not title or not abstract:
        return None
    if is_withdrawn(entry.get("arxiv_comment") or "", abstract):
        raise SourceError(f"The paper {arxiv_id} was withdrawn from arXiv, so there is nothing to quote.")
    published = time_of(entry, "published")
    return Paper(
        identify(title, arxiv_id=arxiv_id),
        title,
        abstract,
        SOURCE,
        url=f"https://arxiv.org/abs/{arxiv_id}",
        published=published.date() if published else None,
    )
