"""The nearest papers of a vector by the dense index, which may be on a Chroma server that is away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from retrieval.errors import ServerAwayError, ServerRefusedError
from retrieval.index.vectors import VectorsError, VectorsGoneError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.index.lexical import LexicalIndex
    from retrieval.index.vectors import DenseIndex

log = logging.getLogger(__name__)


class NearestPapers:
    """Finds the nearest papers; finds none while a Chroma server is away or has lost them.

    Attributes:
        away: whether the Chroma server failed to answer the last query.
        lost: whether the Chroma server has lost the vectors; whoever makes them again resets it.
    """

    def __init__(self, dense: DenseIndex, lexical: LexicalIndex) -> None:
        self._dense = dense
        self._lexical = lexical
        self.away = False
        self.lost = False

    def find(self, vector: NDArray[np.float32], reach: int) -> dict[str, float]:
        """The papers of the `reach` nearest windows, by id, each with its best cosine."""
        nearest: dict[str, float] = {}
        for chunk_id, cosine in self._ask(vector, reach):
            nearest.setdefault(chunk_id.rpartition("#")[0], cosine)
        return nearest

    def _ask(self, vector: NDArray[np.float32], reach: int) -> list[tuple[str, float]]:
        """The nearest windows, nearest first."""
        try:
            found = self._dense.query(vector, reach)
        except (ServerAwayError, ServerRefusedError, VectorsError) as error:
            if not self._dense.remote:
                raise
            if not self.away:
                log.warning("searching by words alone: %s", error)
            self.away = True
            self.lost = self.lost or isinstance(error, VectorsGoneError)
            return []
        if self._dense.remote and not found and self._lexical.count():
            self.lost = True
        self.away = not found and self.lost
        return found
