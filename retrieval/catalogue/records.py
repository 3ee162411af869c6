"""Records that the catalogue returns: stored chunks, pending and new papers, counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.catalogue.contents import Contents, Embedded
    from retrieval.papers import Chunk, Paper
    from retrieval.sources.fetched import Fetched


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A window as stored: its character offsets in the abstract, its unit vector and its contents."""

    paper_id: str
    position: int
    start: int
    end: int
    vector: NDArray[np.float32]
    contents: Contents


@dataclass(frozen=True, slots=True)
class PendingPaper:
    """A paper to index, its stored embeddings by text hash, and how many of its chunks Chroma may hold."""

    paper: Paper
    embedded: Mapping[str, Embedded]
    indexed_chunks: int


@dataclass(frozen=True, slots=True)
class Held:
    """How many papers and windows the indexes should hold, and a sample: paper ids with their numbers of windows."""

    papers: int
    windows: int
    probes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of the catalogue; withdrawn and removed papers are counted only as such.

    Attributes:
        papers: number of papers.
        pending: papers waiting to be indexed or to leave the indexes, and full texts waiting to be embedded.
        chunks: chunks of all papers.
        by_source: papers by source; a paper with two sources counts for both.
        newest: the latest publication date.
        withdrawn: withdrawn papers.
        removed: removed papers, erased or not.
        full_texts: papers with a full text.
    """

    papers: int
    pending: int
    chunks: int
    by_source: Mapping[str, int]
    newest: dt.date | None
    withdrawn: int = 0
    removed: int = 0
    full_texts: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """How many papers a scope has, and how many of its source have no date and so are in no period."""

    papers: int
    undated: int


@dataclass(frozen=True, slots=True)
class ToEmbed:
    """Papers that this process has claimed to embed, and the function that stores their windows."""

    papers: Sequence[PendingPaper]
    store: Callable[[Sequence[tuple[Chunk, Embedded]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A newly indexed paper: when it was first indexed, and all its sources."""

    paper_id: str
    added_at: dt.datetime
    details: Fetched
    sources: tuple[str, ...]
