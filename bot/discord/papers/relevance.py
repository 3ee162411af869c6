"""Decide which hits of a search are relevant, by their probabilities alone and in comparison with the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.answering.assessor import MIN_LISTED
from bot.answering.evidence.features import listing_columns
from bot.answering.evidence.models import models_for
from bot.digest.matcher import match, matching_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval import Hit, Library

SURE: Final = 0.5  # probability from which a paper need not stand out, as in a library about one subject


async def relevant(query: str, hits: Sequence[Hit], library: Library) -> list[Hit]:
    """Filter the relevant hits of a query, in order, including those it names by id or by author.

    The digests' matching model tells a library that has nothing on the query from one that has; the list model tells
    where the relevant hits end.
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
        or (chance >= MIN_LISTED and hit.paper.paper_id in about)
    ]


async def _named(query: str, library: Library, most: int) -> set[str]:
    """Find the papers that a query names by an id or a link, or by an author's full name."""
    found = {paper.paper_id for paper in (await library.lookup(query)).papers}
    for author in await library.authors_in(query):
        if author.in_full:
            works = await library.by_author(author.text, limit=most)
            found |= {work.paper.paper_id for work in works.papers}
    return found
