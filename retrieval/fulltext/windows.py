"""The windows of a full text: some sentences of a section each, with the title in front, as those of an abstract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from retrieval.chunking import chunk
from retrieval.fulltext.storage import Window
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding import Embedder
    from retrieval.fulltext.article import FullText

MOST_WINDOWS: Final = 3000  # of one paper, some 500 pages; three minutes of two processors
AT_ONCE: Final = 64  # texts, so that a question asked meanwhile need not wait for a whole paper


async def embed_windows(
    title: str, full_text: FullText, embedder: Embedder, known: Mapping[str, NDArray[np.float32]]
) -> list[Window]:
    """Cut the sections into windows and embed those whose vectors are not `known` by the hash of their text."""

    def cut() -> list[tuple[int, int, int, str, str]]:
        return [
            (number, part.start, part.end, part.text, part.text_hash)
            for number, section in enumerate(full_text.sections)
            for part in chunk(Paper("", title, section.text, ""), embedder)
            if part.kind == "window"
        ][:MOST_WINDOWS]

    made = await asyncio.to_thread(cut)
    unknown = list(dict.fromkeys(text for *_, text, text_hash in made if text_hash not in known))
    vectors: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(unknown), AT_ONCE):
        some = unknown[start : start + AT_ONCE]
        vectors |= zip(some, await embedder.embed(some), strict=True)
    return [
        Window(number, start, end, text_hash, known[text_hash] if text_hash in known else vectors[text])
        for number, start, end, text, text_hash in made
    ]
