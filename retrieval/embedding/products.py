"""Integer dot products of packed word vectors with a query's, on onnxruntime.

NumPy has no fast integer product: unpacking the words to floats alone takes three times as long as all of this. The
graph is built in advance by `bench/make_graph.py`, because `import onnx` takes longer than a search.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.embedding.onnx_session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

GRAPH: Final = Path(__file__).with_suffix(".onnx")


def multiply(
    parts: Sequence[NDArray[np.uint8]], halves: NDArray[np.uint8], vectors: NDArray[np.int8]
) -> NDArray[np.int32]:
    """Multiply rows of 3-bit values with the columns of `vectors`, shape (dimensions, columns).

    `parts` are four arrays with the lower two bits (0 to 3) of each quarter of the dimensions; `halves` has the upper
    bit (0 or 1) of every dimension.
    """
    given: dict[str, NDArray[np.integer]] = {"halves": halves, "vectors": vectors}
    for number, (part, quarter) in enumerate(zip(parts, np.split(vectors, len(parts)), strict=True)):
        given |= {f"part{number}": part, f"quarter{number}": quarter}
    products: NDArray[np.int32] = _session().run(None, given)[0]
    return products


@functools.cache
def _session() -> InferenceSession:
    return open_session(GRAPH)
