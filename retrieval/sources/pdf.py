"""A PDF as a paper with its full text, if the extra that reads PDFs is installed."""

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
    """Yield the paper in a PDF; raises PdfError if it cannot be read, BadInputError if it has no words."""
    yield Ready(paper_in(stream.read(LARGEST + 1)))


def paper_in(data: bytes, source: str = SOURCE) -> Fetched:
    """The paper in a PDF, with the arXiv id stamped on it, if there is one; raises as `read_pdf` does."""
    article = extract(data)
    record = {"title": article.title, "text": article.abstract, "arxiv_id": article.arxiv_id}
    return replace(make(record, source, verbatim=True).paper, full_text=article.full_text)
