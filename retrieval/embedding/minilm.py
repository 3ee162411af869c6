"""The layout of the weights of all-MiniLM-L6-v2 in the file that its graph, minilm.onnx, refers to.

`bench/make_graph.py` makes the graph, which contains no weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAPH: Final = Path(__file__).with_name("minilm.onnx")
# The name of the cached files; raise its number with every change to the graph or the layout.
NAME: Final = "all-MiniLM-L6-v2-v4"
MAPPED: Final = f"{NAME}.weights"  # this name is in the graph
MAX_POSITIONS: Final = 256  # the table has 512, but the model was trained and is used with 256 word pieces
PAGE: Final = 4096  # bytes; mapped tensors are aligned to pages


class Extent(NamedTuple):
    """Offset and length of a tensor in the file, in bytes, and its shape."""

    offset: int
    length: int
    shape: tuple[int, ...]


def lay_out(weights: Path) -> tuple[bytearray, dict[str, Extent]]:
    """Lay out the tensors of a safetensors file: the content of the weights file, and each tensor's extent by name.

    onnxruntime memory-maps it, so that of the word table, half of all weights, only the used pages are loaded.
    """
    from safetensors.numpy import load_file  # needed only to build the cache

    content, extents = bytearray(), {}
    for name, values in _rearrange(load_file(weights)).items():
        content += bytes(-len(content) % PAGE)
        extents[name] = Extent(len(content), values.nbytes, values.shape)
        content += values.astype("<f4").tobytes()
    return content, extents


def _rearrange(tensors: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    table = "embeddings.{}_embeddings.weight".format
    # Every token is in segment 0. Torch stores (out, in), MatMul needs (in, out).
    return {
        "words": tensors[table("word")],
        "positions": tensors[table("position")][:MAX_POSITIONS] + tensors[table("token_type")][0],
        **{
            name: tensors[name].T
            for name in sorted(tensors)
            if name.startswith(("embeddings.LayerNorm", "encoder.layer"))
        },
    }
