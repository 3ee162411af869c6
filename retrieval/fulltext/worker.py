"""Read a PDF or a page of HTML from standard input and write its article as JSON; a process that may die of it.

`python -m retrieval.fulltext.worker [html]`: it bounds its memory and its time before it looks at anything, writes no
file, and runs nothing that it reads: pypdf and lxml read text, have no way to run scripts, and fetch nothing.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.fulltext.article import Article

MEMORY: Final = 1 << 30  # bytes; papers take some 70 MB, and a page that swells to a gigabyte is no page
SECONDS: Final = 60  # of a processor; a book of 117 pages takes 6
MOST_PAGES: Final = 500  # more than a thesis has; books and proceedings are no paper
FEWEST_LETTERS: Final = 200  # of all pages together: below, the pages are pictures of text
LONGEST_TITLE: Final = 300
HTML: Final = "html"


class Refusal(Exception):  # noqa: N818  # it is an outcome, told to the parent by its word
    """Carry the word for why something is not read."""


def main() -> None:
    """Read standard input, and say on standard output what is in it or why that cannot be told."""
    _bound()
    logging.disable()
    try:
        data = sys.stdin.buffer.read()
        article = read_html(data) if HTML in sys.argv[1:] else read(data)
        reply: dict[str, object] = {"article": article.to_json()}
    except Refusal as refusal:
        reply = {"fault": str(refusal)}
    except (MemoryError, RecursionError):
        reply = {"fault": "heavy"}
    except Exception:  # noqa: BLE001  # the readers raise whatever a broken file makes their code stumble over
        reply = {"fault": "malformed"}
    sys.stdout.write(json.dumps(reply))


def read(data: bytes) -> Article:
    """Return the article in a PDF; raises Refusal, and whatever pypdf stumbles over."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, LimitReachedError

    from retrieval.fulltext.lines import NOT_TEXT, lines_of
    from retrieval.fulltext.sections import make_article

    reader = PdfReader(io.BytesIO(data))
    try:
        # Many are encrypted with an empty password, which only asks viewers not to print them.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refusal("encrypted")
    except DependencyError:
        raise Refusal("encrypted") from None
    count = len(reader.pages)
    if count > MOST_PAGES:
        raise Refusal("long")
    if not count:
        raise Refusal("malformed")
    try:
        lines, arxiv_id = lines_of(list(reader.pages))
    except LimitReachedError:  # of what a part may swell to
        raise Refusal("heavy") from None
    if _letters(line.text for line in lines) < FEWEST_LETTERS:
        raise Refusal("pictures")
    named = str(reader.metadata.title or "") if reader.metadata else ""
    return make_article(lines, count, arxiv_id, " ".join(named.translate(NOT_TEXT).split())[:LONGEST_TITLE])


def read_html(data: bytes) -> Article:
    """Return the article in a page of LaTeXML's; raises Refusal, and whatever lxml stumbles over."""
    from retrieval.fulltext.latexml import read_latexml

    article = read_latexml(data)
    if article is None or _letters(section.text for section in article.full_text.sections) < FEWEST_LETTERS:
        raise Refusal("malformed")
    return article


def _letters(texts: Iterable[str]) -> int:
    return sum(map(str.isalpha, "".join(texts)))


def _bound() -> None:
    """Bound what this process may take, where the system lets it; Windows has only the parent's patience."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
