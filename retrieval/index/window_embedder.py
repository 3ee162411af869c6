"""Chunks papers, and embeds the windows that have no stored vector yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from retrieval.catalogue.contents import embed_chunks
from retrieval.embedding import WordEmbedder
from retrieval.index.chunker import chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalogue.contents import Embedded
    from retrieval.catalogue.records import PendingPaper
    from retrieval.embedding import Embedder
    from retrieval.papers import Chunk


async def embed_papers(batch: Sequence[PendingPaper], embedder: Embedder) -> list[tuple[Chunk, Embedded]]:
    """Chunk papers and embed their windows; stored vectors are reused."""
    made: list[tuple[Chunk, Embedded | None]] = await asyncio.to_thread(
        lambda: [
            (part, waiting.embedded.get(part.text_hash)) for waiting in batch for part in chunk(waiting.paper, embedder)
        ]
    )
    unknown = list(dict.fromkeys(part for part, known in made if not _serves(part, known, embedder)))
    read = dict(zip(unknown, await embed_chunks(unknown, embedder), strict=True)) if unknown else {}
    return [(part, found) for part, known in made if (found := read.get(part, known))]


def _serves(part: Chunk, known: Embedded | None, embedder: Embedder) -> bool:
    """Whether a stored embedding is what the embedder would return for the window."""
    if known is None or len(known.contents.spans) != len(part.sentences):
        return False
    if known.contents.words or not isinstance(embedder, WordEmbedder):
        return True
    return not embedder.split_words(part.text)
