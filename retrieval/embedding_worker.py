"""A worker that embeds papers of a library which several processes share, beside the one that indexes them.

It writes nothing but what the model makes of papers. Whoever indexes finds that done, and has only to write it into
Chroma: any number of machines can fill a large library.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from retrieval.stamp import is_outdated
from retrieval.window_embedder import read_papers

if TYPE_CHECKING:
    from retrieval.catalogue import Catalogue
    from retrieval.embedding import Embedder
    from retrieval.indexer import Progress

log = logging.getLogger(__name__)

BATCH: Final = 32  # papers that are embedded and stored at once: what a kill costs at most


async def embed_pending(catalogue: Catalogue, embedder: Embedder, stamp: str, progress: Progress | None = None) -> int:
    """Embed what waits for it and nobody else embeds, and return how many papers that were.

    `stamp` is of the indexes that this embedder would make. Raises BadInputError where the library has others.
    """
    is_outdated((await catalogue.state(stamp)).stamp, stamp)
    done = 0
    while True:
        async with catalogue.to_embed(BATCH, embedder.model) as work:
            if not work.papers:
                return done
            await work.store(await read_papers(work.papers, embedder))
        done += len(work.papers)
        log.info("embedded %d papers for whoever indexes them", len(work.papers))
        if progress:
            progress(done, done + await catalogue.unembedded_count(embedder.model))
