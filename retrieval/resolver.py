"""Which papers of the library the ids and links of a text lead to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.references import address_key, find_references, spellings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalogue import Catalogue
    from retrieval.lexical import LexicalIndex
    from retrieval.papers import Paper
    from retrieval.references import Reference


@dataclass(frozen=True, slots=True)
class Lookup:
    """Hold what the ids and links of a text lead to, each in the order of the text.

    Attributes:
        found: references with the papers that they name.
        withdrawn: the same for papers that are known and withdrawn, so that nothing may be quoted from them.
        unknown: references to papers that are not in the library, one of each.
        links: other links, which are no paper's address as far as the library knows.
    """

    found: tuple[tuple[Reference, Paper], ...] = ()
    withdrawn: tuple[tuple[Reference, Paper], ...] = ()
    unknown: tuple[Reference, ...] = ()
    links: tuple[Reference, ...] = ()

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the papers found, each once."""
        return tuple({paper.paper_id: paper for _, paper in self.found}.values())


async def look_up(text: str, catalogue: Catalogue, lexical: LexicalIndex) -> Lookup:
    """Find the papers that a text names by an id or a link."""
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
    """Return the current id of the paper that each reference names; those that lead nowhere are left out.

    An id counts before an address, and the address of a paper that the catalogue knows by no id may hold one.
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
