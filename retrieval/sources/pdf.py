"""Read a PDF as a paper with its full text, where the extra that reads PDFs is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from retrieval.fulltext.extraction import LARGEST, PdfError, extract
from retrieval.sources.fetched import SourceError
from retrieval.sources.limiter import ARXIV
from retrieval.sources.record import make
from retrieval.sources.rows import Ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.fulltext.article import FullText
    from retrieval.sources.fetched import Fetched
    from retrieval.sources.rows import Found
    from retrieval.sources.web import Reply, Web

SOURCE: Final = "pdf"
_OK, _NOT_FOUND = 200, 404


def read_pdf(stream: BinaryIO) -> Iterator[Found]:
    """Yield the paper in a PDF; raises PdfError where it is not read, BadInputError where it has no words."""
    yield Ready(paper_in(stream.read(LARGEST + 1)))


def paper_in(data: bytes, source: str = SOURCE) -> Fetched:
    """Return the paper in a PDF, with the id that arXiv has stamped on it; raises as `read_pdf`."""
    article = extract(data)
    record = {"title": article.title, "text": article.abstract, "arxiv_id": article.arxiv_id}
    return replace(make(record, source, verbatim=True).paper, full_text=article.full_text)


async def fetch_full_text(web: Web, base_url: str, arxiv_id: str) -> FullText:
    """Return the full text of arXiv's newest PDF of a paper.

    Args:
        web: what to fetch with.
        base_url: the host that programs are to ask, https://export.arxiv.org.
        arxiv_id: the id without a version.

    Raises:
        SourceError: where arXiv has no PDF of it or cannot be asked, and where the PDF is not read.
    """

    def read(reply: Reply) -> FullText:
        if reply.status == _NOT_FOUND:
            raise SourceError(f"arXiv has no PDF of {arxiv_id}; its authors may have given only HTML or sources.")
        try:
            return extract(reply.body).full_text
        except PdfError as error:
            raise SourceError(f"The full text of {arxiv_id} is not read: {error}.") from error

    return await web.get(ARXIV, f"{base_url.rstrip('/')}/pdf/{arxiv_id}", read, accept=(_OK, _NOT_FOUND))
