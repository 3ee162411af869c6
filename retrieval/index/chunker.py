"""The chunker: splits a paper into windows, which are embedded with the title in front, and windows into sentences."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from retrieval.papers import Chunk, Sentence
from retrieval.text.text import clean, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.embedding import Embedder
    from retrieval.papers import Paper, Passage

CHUNKER_VERSION = 1  # raise it whenever the result of `chunk` changes: libraries then rebuild their indexes

_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class _Segment:
    """A sentence, or a part of one too long for a window: its span, clean text and token count."""

    start: int
    end: int
    text: str
    tokens: int


def chunk(paper: Paper, embedder: Embedder) -> tuple[Chunk, ...]:
    """Split a paper into windows and their sentences; no text has more than `embedder.max_tokens` tokens.

    Windows consist of whole sentences after the title; they are as few as possible and about equally full. They cover
    all of the abstract but whitespace, and do not overlap, because each sentence has its own vector. A sentence too
    long for a window is split between words, and a title longer than half a window is truncated. A paper without an
    abstract is one window: its title.
    """
    if not paper.abstract.strip():
        return (Chunk(paper.paper_id, 0, 0, 0, _shortened(clean(paper.title), embedder, embedder.max_tokens)),)
    prefix = _prefix(paper, embedder)
    segments = _segments(paper.abstract, embedder, prefix)
    sentences = [
        Sentence(segment.start, segment.end, segment.text) for segment in segments if _WORD.search(segment.text)
    ]
    return tuple(
        Chunk(
            paper.paper_id,
            position,
            start,
            end,
            text,
            tuple(sentence for sentence in sentences if start <= sentence.start < end),
        )
        for position, (start, end, text) in enumerate(_windows(paper.abstract, segments, embedder, prefix))
    )


def window_text(paper: Paper, passage: Passage, embedder: Embedder) -> str:
    """The text that was embedded for a window."""
    if not paper.abstract.strip():
        return _shortened(clean(paper.title), embedder, embedder.max_tokens)
    return _window_text(_prefix(paper, embedder), paper.abstract[passage.start : passage.end])


def _window_text(prefix: str, part: str) -> str:
    return (prefix + clean(part)).strip()


def _prefix(paper: Paper, embedder: Embedder) -> str:
    """The title, as put in front of each window."""
    prefix = _shortened(clean(paper.title), embedder, embedder.max_tokens // 2)
    if not prefix:
        return ""
    return prefix + (" " if prefix.endswith((".", "?", "!", "…")) else ". ")


def _shortened(title: str, embedder: Embedder, limit: int) -> str:
    """Truncate a title to `limit` tokens, between words if it has several."""
    if embedder.count_tokens(title) <= limit:
        return title
    length = bisect_right(range(1, len(title)), limit, key=lambda length: embedder.count_tokens(title[:length]))
    short = title[:length]
    return short.rpartition(" ")[0] or short


def _segments(abstract: str, embedder: Embedder, prefix: str) -> list[_Segment]:
    """Split an abstract into sentences; one that does not fit after the prefix is halved until it does."""
    taken = embedder.count_tokens(prefix)

    def fitting(start: int, end: int) -> Iterator[_Segment]:
        text = clean(abstract[start:end])
        tokens = embedder.count_tokens(prefix + text)
        if tokens <= embedder.max_tokens or end - start == 1:
            yield _Segment(start, end, text, tokens - taken)
            return
        for part_start, part_end in pairwise((start, _middle(abstract, start, end), end)):
            part = abstract[part_start:part_end]
            yield from fitting(part_end - len(part.lstrip()), part_start + len(part.rstrip()))

    return [segment for start, end in sentences(abstract) for segment in fitting(start, end)]


def _middle(text: str, start: int, end: int) -> int:
    """Where to halve text[start:end]: at the whitespace nearest to the middle, else in the middle."""
    half = (start + end) // 2
    blanks = (blank.start() for blank in re.finditer(r"\s", text[start:end]))
    return min((start + blank for blank in blanks), key=lambda blank: abs(blank - half), default=half)


def _windows(
    abstract: str, segments: Sequence[_Segment], embedder: Embedder, prefix: str
) -> list[tuple[int, int, str]]:
    """(start, end, text) of the windows: as few as possible, with the fullest as small as possible."""
    room = embedder.max_tokens - embedder.count_tokens(prefix)
    while True:
        packed = _evenly_packed(segments, room)
        spans = [(part[0].start, part[-1].end) for part in packed]
        windows = [(start, end, _window_text(prefix, abstract[start:end])) for start, end in spans]
        excess = max(embedder.count_tokens(text) for *_, text in windows) - embedder.max_tokens
        # A window may have more tokens than the sum of its segments. At worst each segment, which fits, stands alone.
        if excess <= 0 or len(packed) == len(segments):
            return windows
        room -= excess


def _evenly_packed(segments: Sequence[_Segment], room: int) -> list[list[_Segment]]:
    """Group segments into as few runs as `room` (tokens) allows, with the longest run as short as possible."""
    fewest = len(_packed(segments, room))
    smallest = max(segment.tokens for segment in segments)
    sizes = range(smallest, room)
    return _packed(segments, smallest + bisect_left(sizes, -fewest, key=lambda size: -len(_packed(segments, size))))


def _packed(segments: Sequence[_Segment], room: int) -> list[list[_Segment]]:
    """Group segments greedily into runs of at most `room` tokens."""
    runs: list[list[_Segment]] = []
    tokens = room + 1
    for segment in segments:
        if tokens + segment.tokens > room:
            runs.append([])
            tokens = 0
        runs[-1].append(segment)
        tokens += segment.tokens
    return runs
