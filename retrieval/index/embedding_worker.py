"""A worker that embeds pending papers of a shared library, next to the process that indexes them.

It only stores embeddings; the indexer then finds them and just writes them to Chroma. So any number of machines can
help to fill a large library.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from retrieval.index.stamp import is_outdated
from retrieval.index.window_embedder import embed_papers

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.embedding import Embedder
    from retrieval.progress import Progress

log = logging.getLogger(__name__)

BATCH: Final = 32  # papers embedded and stored at a time: the most that a kill costs


async def embed_pending(catalogue: Catalogue, embedder: Embedder, stamp: str, progress: Progress | None = None) -> int:
    """Embed pending papers that no other process has claimed; the number of papers.

    `stamp` is that of this embedder's indexes. Raises BadInputError if the library's indexes have another model.
    """
    is_outdated((await catalogue.state(stamp)).stamp, stamp)
    done = 0
    while True:
        async with catalogue.to_embed(BATCH, embedder.model) as work:
            if not work.papers:
                return done
            await work.store(await embed_papers(work.papers, embedder))
        done += len(work.papers)
        log.info("embedded %d papers for whoever indexes them", len(work.papers))
        if progress:
            progress(done, done + await catalogue.unembedded_count(embedder.model))
