"""Paper, Chunk, Passage and Hit: the types of retrieval, and the ids that make two records the same paper."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  # pydantic reads the types at run time
import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

# New style (2401.12345) and old style (hep-ex/0307015, math.GT/0309136), each with an optional version.
ARXIV_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d+)?")
# Registrants have four or more digits and optional subdivisions; fewer digits occur in files and are accepted.
DOI = re.compile(r"10\.\d{1,9}(?:\.\d{1,9}){0,3}/\S+")

LONGEST_KEY = 60  # characters
HASHED = "#"
_HASH_DIGITS = 32

TITLE_ID = re.compile(r"title:[0-9a-f]{16}")  # as made by `identify` and `fingerprint`


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as its source delivered it; title and abstract are verbatim, so that they can be quoted."""

    paper_id: str
    title: str
    abstract: str
    source: str
    url: str | None = None
    published: dt.date | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 of title and abstract; while it stays the same, so do chunks and vectors."""
        return hashlib.sha256(f"{self.title}\0{self.abstract}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: its character offsets in the text, and the cleaned text that is embedded."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A window of an abstract: a run of its sentences, and the text that is embedded, which starts with the title.

    The window's vector captures what the paper is about, those of its sentences what it states; ranking uses both.
    All offsets count characters of the verbatim abstract.
    """

    paper_id: str
    position: int
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...] = ()

    @property
    def chunk_id(self) -> str:
        """The chunk's id in the dense index."""
        return f"{self.paper_id}#{self.position}"

    @property
    def text_hash(self) -> str:
        """SHA-256 of the embedded text, the key of its stored vector."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """(start, end) of each sentence, relative to the window."""
        return [(sentence.start - self.start, sentence.end - self.start) for sentence in self.sentences]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk or sentence as found: verbatim text, cosine to the query (-1..1), and its unit vector."""

    start: int
    end: int
    text: str
    cosine: float
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The raw scores of a hit, before fusion; confidence is calibrated on these alone.

    Attributes:
        cosine: the best window's cosine to the query, -1..1.
        sentence_cosine: the best sentence's cosine to the query, -1..1.
        bm25: the paper's BM25 score, 0 if the lexical index did not find it.
        bm25_share: that score over the score of an ideal paper holding each query term, 0..1.
        coverage: idf-weighted share of the query's terms that occur in title or abstract, 0..1.
        words: weighted share of the query's words that match a word of the paper by their vectors, 0..1; 0 if the
            model has no word vectors, or the paper ranks too low to be compared.
    """

    cosine: float
    sentence_cosine: float
    bm25: float
    bm25_share: float
    coverage: float
    words: float = 0.0


@dataclass(frozen=True, slots=True)
class Location:
    """The position of a part of a full text in its paper.

    Attributes:
        section: the heading of its section, which may be empty.
        breaks: (offset in the part, page number from 1), ascending, the first at 0 or before; empty if the text has no
            pages.
        words: the packed word vectors; empty if the model has none.
    """

    section: str
    breaks: tuple[tuple[int, int], ...]
    words: bytes = field(default=b"", repr=False)

    def page_at(self, offset: int) -> int | None:
        """The page of a character of the part; None if there are no pages."""
        return page_at(self.breaks, offset)


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked paper: its fused score, its windows and sentences (best first) and the evidence.

    A part of a full text is a hit, too: `paper.abstract` is then that part, and `location` says where it stands.
    """

    paper: Paper
    score: float
    passages: tuple[Passage, ...]
    sentences: tuple[Passage, ...]
    evidence: Evidence
    location: Location | None = None


def page_at(breaks: Sequence[tuple[int, int]], offset: int) -> int | None:
    """The page of a character, given the offset at which each page begins; None if there are no pages."""
    if not breaks:
        return None
    index = bisect_right(breaks, offset, key=lambda page_break: page_break[0])
    return breaks[max(index - 1, 0)][1]


def identify(title: str, *, arxiv_id: str | None = None, doi: str | None = None) -> str:
    """The id of a paper: its arXiv id without version, else its DOI, else a hash of the folded title.

    Two sources agree on the id of a paper if both know the same one of the three.
    """
    if arxiv_id and (match := ARXIV_ID.fullmatch(arxiv_id.strip())):
        return f"arxiv:{match[1]}"
    if doi and (match := DOI.search(doi.strip())):
        return f"doi:{match[0].casefold()}"
    return _hashed(title)


def short_key(paper_id: str) -> str:
    """A short key of a paper (at most 60 ASCII characters): its id if it fits, else a hash of it."""
    fits = paper_id.isascii() and paper_id.isprintable() and not any(map(str.isspace, paper_id))
    if fits and 0 < len(paper_id) <= LONGEST_KEY and not paper_id.startswith(HASHED):
        return paper_id
    return HASHED + hashlib.sha256(paper_id.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]


def fingerprint(title: str, *beside: str) -> str:
    """An id for one of several papers with the same title; `beside` is what tells them apart."""
    return _hashed("\n".join((title, *beside)))


def _hashed(text: str) -> str:
    words = re.sub(r"\W+", " ", fold(text)).strip()
    return f"title:{hashlib.sha256(words.encode()).hexdigest()[:16]}"
