"""Read a PDF as a paper with its full text, where the extra that reads PDFs is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from retrieval.fulltext.extraction import LARGEST, extract
from retrieval.sources.record import make
from retrieval.sources.rows import Ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.fetched import Fetched
    from retrieval.sources.rows import Found

SOURCE: Final = "pdf"


def read_pdf(stream: BinaryIO) -> Iterator[Found]:
    """Yield the paper in a PDF; raises PdfError where it is not read, BadInputError where it has no words."""
    yield Ready(paper_in(stream.read(LARGEST + 1)))


def paper_in(data: bytes, source: str = SOURCE) -> Fetched:
    """Return the paper in a PDF, with the id that arXiv has stamped on it; raises as `read_pdf`."""
    article = extract(data)
    record = {"title": article.title, "text": article.abstract, "arxiv_id": article.arxiv_id}
    return replace(make(record, source, verbatim=True).paper, full_text=article.full_text)
