"""The products of packed words with a query's, in whole numbers on onnxruntime.

NumPy has no such product that is quick: giving the words back as floats takes three times as long as all of this.
`bench/make_graph.py` makes the graph beside this module, since `import onnx` takes longer than a search.
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
    """Multiply rows of three bits a dimension with the columns of `vectors`, shape (dimensions, columns).

    `parts` are the lower two bits of each quarter of the dimensions, four arrays of 0 to 3, and `halves` the upper
    bit of every dimension, 0 or 1.
    """
    given: dict[str, NDArray[np.integer]] = {"halves": halves, "vectors": vectors}
    for number, (part, quarter) in enumerate(zip(parts, np.split(vectors, len(parts)), strict=True)):
        given |= {f"part{number}": part, f"quarter{number}": quarter}
    products: NDArray[np.int32] = _session().run(None, given)[0]
    return products


@functools.cache
def _session() -> InferenceSession:
    return open_session(GRAPH)
