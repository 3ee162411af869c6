"""A query as vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding.word_vectors import Words


@dataclass(frozen=True, slots=True, eq=False)
class QueryVectors:
    """A query's unit vector, and its word vectors if the model has them."""

    vector: NDArray[np.float32]
    words: Words | None
