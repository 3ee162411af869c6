"""Text extraction from PDF and HTML, in a worker process that may crash or hang."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

from retrieval.errors import BadInputError
from retrieval.fulltext.article import Article
from retrieval.fulltext.worker import CPU_TIME, HTML, MEMORY, MOST_PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

Fault: TypeAlias = Literal["missing", "large", "malformed", "encrypted", "long", "pictures", "heavy"]

LARGEST: Final = 32 << 20  # bytes; papers have 1 to 10 MB, and the worker keeps several copies
PATIENCE: Final = CPU_TIME + timedelta(seconds=15)  # wall-clock time for the worker
WORKER: Final = ("-I", "-m", "retrieval.fulltext.worker")

_SENTENCES: Final[Mapping[Fault, str]] = {
    "missing": "it is a PDF, whose text takes pypdf (pip install 'footnote[pdf]')",
    "large": f"it is a PDF of more than {LARGEST >> 20} MB; make it smaller, or leave out the pictures",
    "malformed": "it is a damaged PDF; get it anew, or print it to a new PDF",
    "encrypted": "it is an encrypted PDF; save it without a password first",
    "long": f"it is a PDF of more than {MOST_PAGES} pages, which is no paper; cut out the pages of one",
    "pictures": "it is a PDF of pictures without text, as scanners make them; run it through an OCR program first",
    "heavy": f"it is a PDF that takes more than {CPU_TIME.total_seconds():.0f} s or {MEMORY >> 30} GB to read; print "
    "it to a new PDF",
}


class PdfError(BadInputError):
    """A PDF cannot be read; the message says why in a few words.

    Attributes:
        fault: the reason, as one word.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault


def can_read_pdfs() -> bool:
    """Whether the extra `pdf` is installed."""
    return importlib.util.find_spec("pypdf") is not None


def extract(data: bytes, *, worker: tuple[str, ...] = WORKER, patience: timedelta = PATIENCE) -> Article:
    """Extract the article of a PDF in a worker process; raises PdfError. It blocks, so call it in a thread.

    `worker` is the command line of the worker after `python`; `patience` is how long to wait for it.
    """
    if not can_read_pdfs():
        raise PdfError("missing")
    if len(data) > LARGEST:
        raise PdfError("large")
    found = _work(data, worker, patience)
    if isinstance(found, Article):
        return found
    raise PdfError(found)


def extract_html(data: bytes) -> Article | None:
    """Extract the article of a LaTeXML page in a worker process; None if it is another page or cannot be read."""
    found = _work(data, (*WORKER, HTML), PATIENCE) if len(data) <= LARGEST else None
    return found if isinstance(found, Article) else None


def _work(data: bytes, worker: tuple[str, ...], patience: timedelta) -> Article | Fault:
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a module of ours
            [sys.executable, *worker],
            input=data,
            capture_output=True,
            timeout=patience.total_seconds(),
            check=False,
        )
        reply = json.loads(done.stdout)
        if (fault := reply.get("fault")) in get_args(Fault):
            return cast("Fault", fault)
        return Article.of_json(reply["article"])
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError, TypeError, AttributeError):
        # A worker that was killed for using too much memory or time has written nothing, or half of its reply.
        return "heavy"
