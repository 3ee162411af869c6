"""What the catalogue gives back: chunks with their vectors, papers that wait, papers that are new, counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.contents import Contents, Embedded
    from retrieval.papers import Chunk, Paper
    from retrieval.sources.fetched import Fetched


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Hold a window as the catalogue knows it: character offsets in the abstract, its unit vector, what it says."""

    paper_id: str
    position: int
    start: int
    end: int
    vector: NDArray[np.float32]
    contents: Contents


@dataclass(frozen=True, slots=True)
class PendingPaper:
    """Hold a paper to index, the texts already embedded by their hash, and how many chunks Chroma may hold."""

    paper: Paper
    embedded: Mapping[str, Embedded]
    indexed_chunks: int


@dataclass(frozen=True, slots=True)
class Held:
    """Hold how many papers the indexes should hold whole, how many windows these have, and of some how many each."""

    papers: int
    windows: int
    probes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """Hold the size of the catalogue, without what is withdrawn or removed, and the newest date of publication.

    Attributes:
        papers: how many there are.
        pending: how many wait to be indexed or to be taken out of the indexes, and how many full texts to be embedded.
        chunks: of all papers.
        by_source: papers by source; one that two sources had is counted for both.
        newest: a date of publication.
        withdrawn: how many papers are known and withdrawn.
        removed: how many were taken out, and can be put back or not.
        full_texts: how many papers have their full text here.
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
    """Hold how many papers are in a scope, and how many of its source no question about a time can count."""

    papers: int
    undated: int


@dataclass(frozen=True, slots=True)
class ToEmbed:
    """Hold papers that this process alone embeds just now, and what stores their windows."""

    papers: Sequence[PendingPaper]
    store: Callable[[Sequence[tuple[Chunk, Embedded]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fresh:
    """Hold a paper that has come in, when it could first be found, and every source that had it."""

    paper_id: str
    added_at: dt.datetime
    details: Fetched
    sources: tuple[str, ...]
