"""Checks whether the dense index holds what the catalogue says, by ids, never by search results.

An approximate search can miss a vector that is there, above all among many similar ones. Chroma still lists every id
after its vector file is lost or truncated, so the vectors themselves are fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.catalogue.records import Held
    from retrieval.index.vectors import DenseIndex


def lacks_vectors(held: Held, dense: DenseIndex) -> bool:
    """Whether the dense index lacks vectors, judged by their number and by a sample of papers."""
    return dense.count() < held.windows or bool(dense.lacking(_chunk_ids(held.probes)))


def lost_vectors(indexed: Mapping[str, int], dense: DenseIndex) -> frozenset[str]:
    """The papers that the dense index has lost in whole or in part; `indexed` maps ids to numbers of windows."""
    return frozenset(chunk_id.rpartition("#")[0] for chunk_id in dense.lacking(_chunk_ids(indexed)))


def _chunk_ids(windows: Mapping[str, int]) -> list[str]:
    return [f"{paper_id}#{position}" for paper_id, count in windows.items() for position in range(count)]
