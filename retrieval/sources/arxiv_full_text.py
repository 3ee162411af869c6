"""Full texts from arXiv: from the HTML that arXiv makes of a paper, or else from its PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.fulltext.extraction import PdfError, can_read_pdfs, extract, extract_html
from retrieval.sources.fetched import SourceError
from retrieval.sources.limiter import ARXIV

if TYPE_CHECKING:
    from retrieval.fulltext.article import FullText
    from retrieval.sources.web import Reply, Web

_OK, _NOT_FOUND = 200, 404


async def fetch_full_text(web: Web, base_url: str, arxiv_id: str) -> FullText:
    """Fetch the full text of a paper's newest version.

    Args:
        web: the HTTP client.
        base_url: arXiv's host for programs, https://export.arxiv.org.
        arxiv_id: the id without a version.

    Raises:
        SourceError: if arXiv cannot be reached, has neither HTML nor a PDF, or neither can be read.
    """

    def read_html(reply: Reply) -> FullText | None:
        article = extract_html(reply.body) if reply.status == _OK else None
        return article.full_text if article else None

    def read_pdf(reply: Reply) -> FullText:
        if reply.status == _NOT_FOUND:
            raise SourceError(f"arXiv has neither HTML nor a PDF of {arxiv_id}; check the id.")
        try:
            return extract(reply.body).full_text
        except PdfError as error:
            raise SourceError(f"The full text of {arxiv_id} is not read: {error}.") from error

    address = base_url.rstrip("/")
    try:
        found = await web.get(ARXIV, f"{address}/html/{arxiv_id}", read_html, accept=(_OK, _NOT_FOUND))
    except SourceError as error:
        if error.temporary:
            raise
        found = None
    if found is None and not can_read_pdfs():
        raise SourceError(
            f"arXiv has no HTML of {arxiv_id} that can be read, and its PDF takes pypdf (pip install 'footnote[pdf]')."
        )
    if found is None:
        return await web.get(ARXIV, f"{address}/pdf/{arxiv_id}", read_pdf, accept=(_OK, _NOT_FOUND))
    return found
