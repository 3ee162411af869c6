"""Find what the derived indexes lack of what the catalogue says they hold: by ids, never by what a search finds.

An approximate search may miss a vector that is there, most of all among many that are alike. Chroma knows every id
although its file of vectors is lost or cut, so that the vectors themselves are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.lexical import LexicalIndex
    from retrieval.vectors import DenseIndex

PROBES: Final = 1000  # vectors asked for at a start, in 40 ms; the rest only where one of them is lost
LATEST: Final = 200  # of those, the ones written last, which a crash may take


def lost_words(held: Mapping[str, int], lexical: LexicalIndex) -> list[str]:
    """Return the papers that the lexical index should hold and has lost."""
    return lexical.lacking(held) if lexical.count() < len(held) else []


def lost_vectors(held: Mapping[str, int], dense: DenseIndex) -> frozenset[str]:
    """Return the papers that the dense index has lost, or a part of them.

    `held` is how many chunks it should hold of each paper, those indexed last last.
    """
    chunk_ids = [f"{paper_id}#{position}" for paper_id, count in held.items() for position in range(count)]
    if dense.count() < len(chunk_ids) or dense.lacking(_probes(chunk_ids)):
        return frozenset(chunk_id.rpartition("#")[0] for chunk_id in dense.lacking(chunk_ids))
    return frozenset()


def _probes(chunk_ids: list[str]) -> list[str]:
    earlier, latest = chunk_ids[:-LATEST], chunk_ids[-LATEST:]
    return earlier[:: 1 + len(earlier) // (PROBES - LATEST)] + latest
