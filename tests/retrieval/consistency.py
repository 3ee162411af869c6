"""List what catalogue, Chroma and tantivy hold of a library, and check that they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tantivy

if TYPE_CHECKING:
    from retrieval.library import Library


async def held(library: Library) -> dict[str, Any]:
    """List the papers and windows that catalogue, Chroma and tantivy hold."""
    stored = await library._catalogue.chunks_of(await library.ids())
    searcher = library._lexical._index.searcher()
    hits = searcher.search(tantivy.Query.all_query(), 1000).hits
    return {
        "catalogue": sorted(f"{each.paper_id}#{each.position}" for rows in stored.values() for each in rows),
        "dense": sorted(library._parts.dense._ask(lambda collection: collection.get(ids=None, include=[])["ids"])),
        "lexical": sorted(searcher.doc(address)["paper_id"][0] for _, address in hits),
        "papers": sorted(await library.ids()),
    }


async def assert_consistent(library: Library) -> None:
    found = await held(library)
    assert found["dense"] == found["catalogue"]
    assert found["lexical"] == found["papers"]
    assert {chunk.partition("#")[0] for chunk in found["dense"]} == set(found["papers"])
    assert (await library.counts()).pending == 0
