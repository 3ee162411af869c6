"""Which hits of a search are about what was looked for: by chance alone, and by how far they fall behind the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.answering.evidence.assessor import LISTED
from bot.answering.evidence.features import listing_columns
from bot.answering.evidence.models import models_for
from bot.digest.matcher import match, matching_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library
    from retrieval.papers import Hit

SURE: Final = 0.5  # the chance from which on a paper need not stand out, as where all here are about one thing


async def relevant(query: str, hits: Sequence[Hit], library: Library) -> list[Hit]:
    """Return those hits of a query that are about it, in their order, and those that it names by id or by author.

    The chance that digests choose by tells a library that has nothing on the query from one that has; the one that
    lists choose by tells where the hits fall off.
    """
    if not hits:
        return []
    model = library.embedder.model
    about = match(query, {hit.paper.paper_id: hit.evidence for hit in hits}, matching_for(model))
    chances = models_for(model).listed.probabilities(listing_columns(hits))
    named = await _named(query, library, len(hits))
    return [
        hit
        for hit, chance in zip(hits, chances, strict=True)
        if hit.paper.paper_id in named
        or about.get(hit.paper.paper_id, 0.0) >= SURE
        or (chance >= LISTED and hit.paper.paper_id in about)
    ]


async def _named(query: str, library: Library, most: int) -> set[str]:
    """Return the papers that a query names by an id or a link, or by an author's full name."""
    found = {paper.paper_id for paper in (await library.lookup(query)).papers}
    for author in await library.authors_in(query):
        if author.in_full:
            works = await library.by_author(author.text, limit=most)
            found |= {work.paper.paper_id for work in works.papers}
    return found
