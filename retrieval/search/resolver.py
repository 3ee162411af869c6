"""The resolver: finds the library's papers that the ids and links in a text refer to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.references import address_key, find_references, spellings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.index.lexical import LexicalIndex
    from retrieval.papers import Paper
    from retrieval.references import Reference


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the ids and links in a text refer to, in text order.

    Attributes:
        found: references with their papers.
        withdrawn: references with withdrawn papers, which must not be quoted.
        unknown: references to papers that are not in the library, without duplicates.
        links: other links, which are not the address of any paper in the library.
    """

    found: tuple[tuple[Reference, Paper], ...] = ()
    withdrawn: tuple[tuple[Reference, Paper], ...] = ()
    unknown: tuple[Reference, ...] = ()
    links: tuple[Reference, ...] = ()

    @property
    def papers(self) -> tuple[Paper, ...]:
        """The papers found, without duplicates."""
        return tuple({paper.paper_id: paper for _, paper in self.found}.values())


async def look_up(text: str, catalogue: Catalogue, lexical: LexicalIndex) -> Lookup:
    """Find the papers that a text names by ids and links."""
    references = find_references(text)
    if not references:
        return Lookup()
    meant = await resolve(references, catalogue, lexical)
    known = await catalogue.known(set(meant.values()))
    named = [(reference, known[meant[reference]].details) for reference in references if meant.get(reference) in known]
    missing = {
        reference.paper_id or reference.text: reference
        for reference in reversed(references)
        if meant.get(reference) not in known
    }
    return Lookup(
        found=tuple((reference, details.paper) for reference, details in named if not details.withdrawn),
        withdrawn=tuple((reference, details.paper) for reference, details in named if details.withdrawn),
        unknown=tuple(reference for reference in reversed(missing.values()) if reference.paper_id),
        links=tuple(reference for reference in reversed(missing.values()) if not reference.paper_id),
    )


async def resolve(references: Sequence[Reference], catalogue: Catalogue, lexical: LexicalIndex) -> dict[Reference, str]:
    """Map references to the current ids of their papers; unresolved ones are left out.

    Ids are tried first, then addresses; the address of a paper may contain an id that the catalogue does not have.
    """
    ids = {reference: spellings(reference.paper_id) if reference.paper_id else () for reference in references}
    current = await catalogue.current_ids(spelling for spellings in ids.values() for spelling in spellings)
    found: dict[Reference, str] = {}
    for reference, spelled in ids.items():
        paper_id = next((current[spelling] for spelling in spelled if spelling in current), None)
        if paper_id is None:
            terms = (*spelled, address_key(reference.text)) if "/" in reference.text else spelled
            paper_id = await asyncio.to_thread(lexical.at_address, terms)
        if paper_id is not None:
            found[reference] = paper_id
    return found
