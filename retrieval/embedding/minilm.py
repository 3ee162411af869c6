"""The weights of all-MiniLM-L6-v2 as its graph, minilm.onnx beside this file, finds them.

`bench/make_graph.py` makes the graph; it holds no weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAPH: Final = Path(__file__).with_name("minilm.onnx")
# Of the files in a cache; raise its last number with every change to the graph or the layout: others are not opened.
NAME: Final = "all-MiniLM-L6-v2-v4"
MAPPED: Final = f"{NAME}.weights"  # stands in the graph
MAX_POSITIONS: Final = 256  # the table holds 512, but the model was trained, and is used, on 256 word pieces
PAGE: Final = 4096  # bytes: what is mapped begins with one


class Extent(NamedTuple):
    """Say where in the file some weights stand, in bytes, and what shape they have."""

    offset: int
    length: int
    shape: tuple[int, ...]


def lay_out(weights: Path) -> tuple[bytearray, dict[str, Extent]]:
    """Return the content of the file for the weights in a safetensors file, and where in it each stands by its name.

    onnxruntime maps it: of the table of words, half of all weights, only what is used comes into memory.
    """
    from safetensors.numpy import load_file  # only building needs it

    content, extents = bytearray(), {}
    for name, values in _rearrange(load_file(weights)).items():
        content += bytes(-len(content) % PAGE)
        extents[name] = Extent(len(content), values.nbytes, values.shape)
        content += values.astype("<f4").tobytes()
    return content, extents


def _rearrange(tensors: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    table = "embeddings.{}_embeddings.weight".format
    # Every token is of segment 0. Torch keeps (out, in) where MatMul wants (in, out).
    return {
        "words": tensors[table("word")],
        "positions": tensors[table("position")][:MAX_POSITIONS] + tensors[table("token_type")][0],
        **{
            name: tensors[name].T
            for name in sorted(tensors)
            if name.startswith(("embeddings.LayerNorm", "encoder.layer"))
        },
    }
