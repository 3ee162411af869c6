"""Find what the derived indexes lack of what the catalogue says they hold: by ids, never by what a search finds.

An approximate search may miss a vector that is there, most of all among many that are alike. Chroma still
lists every id after its file of vectors is lost or cut, so the vectors themselves are fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.records import Held
    from retrieval.vectors import DenseIndex


def lacks_vectors(held: Held, dense: DenseIndex) -> bool:
    """Say whether the dense index lacks something, by its number of vectors and by those of some papers."""
    return dense.count() < held.windows or bool(dense.lacking(_chunk_ids(held.probes)))


def lost_vectors(indexed: Mapping[str, int], dense: DenseIndex) -> frozenset[str]:
    """Return the papers that the dense index has lost, or a part of them, by how many windows each should have."""
    return frozenset(chunk_id.rpartition("#")[0] for chunk_id in dense.lacking(_chunk_ids(indexed)))


def _chunk_ids(windows: Mapping[str, int]) -> list[str]:
    return [f"{paper_id}#{position}" for paper_id, count in windows.items() for position in range(count)]
