"""Paper, Chunk, Passage and Hit: the nouns of retrieval, and what makes two records the same paper."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  # pydantic reads the types at run time
import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

# New style (2401.12345) and old style (hep-ex/0307015, math.GT/0309136), each with an optional version.
ARXIV_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d+)?")
# A registrant has four digits and more, and may have divisions; what files hold is taken at its word.
DOI = re.compile(r"10\.\d{1,9}(?:\.\d{1,9}){0,3}/\S+")

LONGEST_KEY = 60  # characters
HASHED = "#"
_HASH_DIGITS = 32

TITLE_ID = re.compile(r"title:[0-9a-f]{16}")  # what `identify` and `fingerprint` make of a title


@dataclass(frozen=True, slots=True)
class Paper:
    """Hold a paper as a source gave it; title and abstract are verbatim, so that they can be quoted."""

    paper_id: str
    title: str
    abstract: str
    source: str
    url: str | None = None
    published: dt.date | None = None

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of title and abstract: equal hashes need no new chunks and no new vectors."""
        return hashlib.sha256(f"{self.title}\0{self.abstract}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """Hold a sentence of a text by its character offsets there, and as it is embedded."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Hold a window of an abstract: some of its sentences, and as it is embedded, with the title in front.

    The window says what a paper is about, its sentences what it says; ranking looks at both. All offsets are of
    characters in the verbatim abstract.
    """

    paper_id: str
    position: int
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...] = ()

    @property
    def chunk_id(self) -> str:
        """Return the id under which the dense index knows this chunk."""
        return f"{self.paper_id}#{self.position}"

    @property
    def text_hash(self) -> str:
        """Return the SHA-256 of the embedded text, the key of its stored vector."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Give where each sentence begins and ends in the window."""
        return [(sentence.start - self.start, sentence.end - self.start) for sentence in self.sentences]


@dataclass(frozen=True, slots=True)
class Passage:
    """Hold a verbatim part of an abstract as it was found, with its cosine to the query (-1..1) and its unit vector."""

    start: int
    end: int
    text: str
    cosine: float
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold the raw scores behind a hit, before any fusion; confidence is calibrated on these alone.

    Attributes:
        cosine: the best window's cosine to the query, -1..1.
        sentence_cosine: the best sentence's cosine to the query, -1..1.
        bm25: the paper's BM25 score, 0 where it was not found lexically.
        bm25_share: that score over the score of an ideal paper holding each query term, 0..1.
        coverage: idf-weighted share of the query's terms that stand in title or abstract, 0..1.
        words: weighted share of the query's words that the paper has in words of its own, 0..1; 0 where the model has
            no vectors of words or the paper was too far down to be compared.
    """

    cosine: float
    sentence_cosine: float
    bm25: float
    bm25_share: float
    coverage: float
    words: float = 0.0


@dataclass(frozen=True, slots=True)
class Location:
    """Hold where in its paper a part of the full text stands.

    Attributes:
        section: the heading of its section, which may be empty.
        breaks: (offset in the part, page counted from 1), rising, the first at 0 or before; none where the text was
            never on pages.
        words: the packed vectors of its words; empty where the model has none.
    """

    section: str
    breaks: tuple[tuple[int, int], ...]
    words: bytes = field(default=b"", repr=False)

    def page_at(self, offset: int) -> int | None:
        """Return the page that a character of the part stands on, None where there are none."""
        return page_at(self.breaks, offset)


@dataclass(frozen=True, slots=True)
class Hit:
    """Hold a paper as ranked: its fused score, its windows and sentences (best first) and the evidence.

    A part of its full text is a hit, too: `paper` then has that part in the abstract's place, and `location` says
    where it stands.
    """

    paper: Paper
    score: float
    passages: tuple[Passage, ...]
    sentences: tuple[Passage, ...]
    evidence: Evidence
    location: Location | None = None


def page_at(breaks: Sequence[tuple[int, int]], offset: int) -> int | None:
    """Return the page that a character stands on, by where in its text each page begins; None where none does."""
    if not breaks:
        return None
    index = bisect_right(breaks, offset, key=lambda page_break: page_break[0])
    return breaks[max(index - 1, 0)][1]


def identify(title: str, *, arxiv_id: str | None = None, doi: str | None = None) -> str:
    """Return the identity of a paper: arXiv id without version, then DOI, then a hash of the folded title.

    The same paper from two sources gets the same identity as long as both name the same of the three.
    """
    if arxiv_id and (match := ARXIV_ID.fullmatch(arxiv_id.strip())):
        return f"arxiv:{match[1]}"
    if doi and (match := DOI.search(doi.strip())):
        return f"doi:{match[0].casefold()}"
    return _hashed(title)


def short_key(paper_id: str) -> str:
    """Return what stands for a paper where there is little room: its id, or where that does not fit a hash of it."""
    fits = paper_id.isascii() and paper_id.isprintable() and not any(map(str.isspace, paper_id))
    if fits and 0 < len(paper_id) <= LONGEST_KEY and not paper_id.startswith(HASHED):
        return paper_id
    return HASHED + hashlib.sha256(paper_id.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]


def fingerprint(title: str, *beside: str) -> str:
    """Return an id for one of several papers of a title, which differ in what stands beside it."""
    return _hashed("\n".join((title, *beside)))


def _hashed(text: str) -> str:
    words = re.sub(r"\W+", " ", fold(text)).strip()
    return f"title:{hashlib.sha256(words.encode()).hexdigest()[:16]}"
