"""The windows of a full text: some sentences of a section with the title in front, as with those of an abstract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from retrieval.batches import batched
from retrieval.catalogue.contents import embed_chunks
from retrieval.catalogue.full_text_store import Window
from retrieval.index.chunker import chunk, window_text
from retrieval.papers import Chunk, Paper, Passage

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.catalogue.contents import Contents, Embedded
    from retrieval.embedding import Embedder
    from retrieval.fulltext.article import FullText

MOST_WINDOWS: Final = 3000  # per paper, some 500 pages; takes six minutes on two cores
AT_ONCE: Final = 64  # texts per call, so that a question asked meanwhile need not wait for a whole paper


async def embed_windows(title: str, full_text: FullText, embedder: Embedder) -> list[Window]:
    """Chunk the sections and embed the windows, without their contents."""
    made = await asyncio.to_thread(_cut, title, full_text, embedder)
    vectors: dict[str, NDArray[np.float32]] = {}
    texts = list(dict.fromkeys(part.text for _, part in made))
    for some in batched(texts, AT_ONCE):
        vectors |= zip(some, await embedder.embed(some), strict=True)
    return [Window(number, part.start, part.end, part.text_hash, vectors[part.text]) for number, part in made]


async def embed_windows_with_contents(
    title: str, full_text: FullText, embedder: Embedder, known: Mapping[str, Embedded]
) -> list[Window]:
    """Chunk the sections and embed the windows with their contents.

    `known` has the embeddings that are stored already, by the hash of the window's text; they are not made again.
    """
    made = await asyncio.to_thread(_cut, title, full_text, embedder)
    unknown = list({part.text_hash: part for _, part in made if part.text_hash not in known}.values())
    read = dict(known)
    for some in batched(unknown, AT_ONCE):
        read |= zip((part.text_hash for part in some), await embed_chunks(some, embedder), strict=True)
    return [
        Window(number, part.start, part.end, part.text_hash, found.vector, found.contents)
        for number, part, found in ((number, part, read[part.text_hash]) for number, part in made)
    ]


async def embed_contents(title: str, part: str, embedder: Embedder) -> Contents:
    """Embed the sentences and words of one window, whose text is `part`."""

    def cut() -> Chunk:
        paper = Paper("", title, part, "")
        sentences = [sentence for window in chunk(paper, embedder) for sentence in window.sentences]
        whole = window_text(paper, Passage(0, len(part), "", 0.0), embedder)
        return Chunk("", 0, 0, len(part), whole, tuple(sentences))

    (read,) = await embed_chunks([await asyncio.to_thread(cut)], embedder)
    return read.contents


def _cut(title: str, full_text: FullText, embedder: Embedder) -> list[tuple[int, Chunk]]:
    """The windows of all sections, each with its section's number, at most MOST_WINDOWS."""
    return [
        (number, part)
        for number, section in enumerate(full_text.sections)
        for part in chunk(Paper("", title, section.text, ""), embedder)
    ][:MOST_WINDOWS]
