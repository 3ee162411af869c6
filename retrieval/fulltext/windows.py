"""The windows of a full text: some sentences of a section each, with the title in front, as those of an abstract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.chunking import chunk, window_text
from retrieval.embedding import WordEmbedder
from retrieval.fulltext.storage import Contents, Window
from retrieval.papers import Paper, Passage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.embedding import Embedder
    from retrieval.fulltext.article import FullText
    from retrieval.papers import Chunk

MOST_WINDOWS: Final = 3000  # of one paper, some 500 pages; six minutes of two processors
AT_ONCE: Final = 64  # texts, so that a question asked meanwhile need not wait for a whole paper


async def embed_windows(title: str, full_text: FullText, embedder: Embedder) -> list[Window]:
    """Cut the sections into windows and embed these, without their contents."""
    made = await asyncio.to_thread(_cut, title, full_text, embedder)
    vectors: dict[str, NDArray[np.float32]] = {}
    texts = list(dict.fromkeys(part.text for _, part in made))
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        vectors |= zip(some, await embedder.embed(some), strict=True)
    return [Window(number, part.start, part.end, part.text_hash, vectors[part.text]) for number, part in made]


async def read_windows(
    title: str, full_text: FullText, embedder: Embedder, known: Mapping[str, tuple[NDArray[np.float32], Contents]]
) -> list[Window]:
    """Cut the sections into windows, and read those that are not `known` by the hash of their text."""
    made = await asyncio.to_thread(_cut, title, full_text, embedder)
    unknown = {
        part.text_hash: full_text.sections[number].text[part.start : part.end]
        for number, part in made
        if part.text_hash not in known
    }
    hashes, parts = list(unknown), list(unknown.values())
    read: dict[str, tuple[NDArray[np.float32], Contents]] = dict(known)
    for start in range(0, len(parts), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        read |= zip(hashes[some], await read_parts(title, parts[some], embedder), strict=True)
    return [Window(number, part.start, part.end, part.text_hash, *read[part.text_hash]) for number, part in made]


async def read_parts(
    title: str, parts: Sequence[str], embedder: Embedder
) -> list[tuple[NDArray[np.float32], Contents]]:
    """Return the vector and the contents of each of some parts of a paper, none longer than a window."""
    papers = [Paper("", title, part, "") for part in parts]

    def cut() -> tuple[list[str], list[list[Chunk]]]:
        wholes = [window_text(paper, Passage(0, len(paper.abstract), "", 0.0), embedder) for paper in papers]
        return wholes, [[each for each in chunk(paper, embedder) if each.kind == "sentence"] for paper in papers]

    wholes, sentences = await asyncio.to_thread(cut)
    words = [b""] * len(wholes)
    if isinstance(embedder, WordEmbedder):
        vectors, found = await embedder.embed_words(wholes)
        words = [each.pack() for each in found]
    else:
        vectors = await embedder.embed(wholes)
    said = list(dict.fromkeys(each.text for own in sentences for each in own))
    known = dict(zip(said, await embedder.embed(said) if said else (), strict=True))
    return [
        (
            vector,
            Contents(tuple((each.start, each.end) for each in own), _rows([known[each.text] for each in own]), held),
        )
        for vector, own, held in zip(vectors, sentences, words, strict=True)
    ]


def _rows(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.array(vectors, np.float32).reshape(len(vectors), -1 if vectors else 0)


def _cut(title: str, full_text: FullText, embedder: Embedder) -> list[tuple[int, Chunk]]:
    """Return the windows of all sections, each with the number of its section."""
    return [
        (number, part)
        for number, section in enumerate(full_text.sections)
        for part in chunk(Paper("", title, section.text, ""), embedder)
        if part.kind == "window"
    ][:MOST_WINDOWS]
