"""The worker process: reads a PDF or HTML page from stdin and writes its article as JSON to stdout.

It is run as `python -m retrieval.fulltext.worker [html]`. It begins by limiting its own memory and CPU time, and writes
no files. pypdf and lxml run no scripts and fetch nothing.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.fulltext.article import Article

MEMORY: Final = 1 << 30  # bytes; papers take some 70 MB, and a decompression bomb must not take all
CPU_TIME: Final = timedelta(minutes=1)  # a book of 117 pages takes 6 s
MOST_PAGES: Final = 500  # more than a thesis has; books and proceedings are not papers
FEWEST_LETTERS: Final = 200  # in the whole file; with fewer, the pages are scanned images
LONGEST_TITLE: Final = 300
HTML: Final = "html"


class FaultError(Exception):
    """The input cannot be read as a paper; the message is the fault, one word that the parent process knows."""


def main() -> None:
    """Read stdin, and write the article or a fault to stdout."""
    _bound()
    logging.disable()
    try:
        data = sys.stdin.buffer.read()
        article = read_html(data) if HTML in sys.argv[1:] else read(data)
        reply: dict[str, object] = {"article": article.to_json()}
    except FaultError as error:
        reply = {"fault": str(error)}
    except (MemoryError, RecursionError):
        reply = {"fault": "heavy"}
    except Exception:  # noqa: BLE001  # broken files make the parsers raise all kinds of errors
        reply = {"fault": "malformed"}
    sys.stdout.write(json.dumps(reply))


def read(data: bytes) -> Article:
    """Extract the article of a PDF; raises FaultError, or any error of pypdf."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, LimitReachedError

    from retrieval.fulltext.lines import NOT_TEXT, lines_of
    from retrieval.fulltext.sections import make_article

    reader = PdfReader(io.BytesIO(data))
    try:
        # Many are encrypted with an empty password, only to restrict printing.
        if reader.is_encrypted and not reader.decrypt(""):
            raise FaultError("encrypted")
    except DependencyError:
        raise FaultError("encrypted") from None
    count = len(reader.pages)
    if count > MOST_PAGES:
        raise FaultError("long")
    if not count:
        raise FaultError("malformed")
    try:
        lines, arxiv_id = lines_of(list(reader.pages))
    except LimitReachedError:  # of decompressed data
        raise FaultError("heavy") from None
    if _letters(line.text for line in lines) < FEWEST_LETTERS:
        raise FaultError("pictures")
    metadata_title = str(reader.metadata.title or "") if reader.metadata else ""
    return make_article(lines, count, arxiv_id, " ".join(metadata_title.translate(NOT_TEXT).split())[:LONGEST_TITLE])


def read_html(data: bytes) -> Article:
    """Extract the article of a LaTeXML page; raises FaultError, or any error of lxml."""
    from retrieval.fulltext.latexml import read_latexml

    article = read_latexml(data)
    if article is None or _letters(section.text for section in article.full_text.sections) < FEWEST_LETTERS:
        raise FaultError("malformed")
    return article


def _letters(texts: Iterable[str]) -> int:
    return sum(map(str.isalpha, "".join(texts)))


def _bound() -> None:
    """Limit this process's memory and CPU time; on Windows only the parent's timeout applies."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(CPU_TIME.total_seconds())),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
