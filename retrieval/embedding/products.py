"""The products of packed words with a query's, in whole numbers on onnxruntime.

NumPy has no such product that is quick: giving the words back as floats takes three times as long as all of this. The
graph of it lies beside this module, since `import onnx` takes longer than a search:

    uv run python -m retrieval.embedding.products
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

GRAPH: Final = Path(__file__).with_suffix(".onnx")
OPSET: Final = 18
IR_VERSION: Final = 8  # the one that came with opset 18


def multiply(
    parts: Sequence[NDArray[np.uint8]], halves: NDArray[np.uint8], vectors: NDArray[np.int8]
) -> NDArray[np.int32]:
    """Multiply rows of three bits a dimension with the columns of `vectors`, shape (dimensions, columns).

    `parts` are the lower two bits of number quarter of the dimensions, four arrays of 0 to 3, and `halves` the upper
    bit of every dimension, 0 or 1.
    """
    names = [part.name for part in _session().get_inputs()]
    quarters = np.split(vectors, len(parts))
    products: NDArray[np.int32] = _session().run(
        None, dict(zip(names, [*parts, *quarters, halves, vectors], strict=True))
    )[0]
    return products


def build() -> bytes:
    """Return the graph, serialised."""
    from onnx import TensorProto, helper, numpy_helper

    numbers = range(4)
    nodes = [
        *(
            helper.make_node("MatMulInteger", [f"part{number}", f"quarter{number}"], [f"lower{number}"])
            for number in numbers
        ),
        helper.make_node("Add", ["lower0", "lower1"], ["lower01"]),
        helper.make_node("Add", ["lower2", "lower3"], ["lower23"]),
        helper.make_node("Add", ["lower01", "lower23"], ["lower"]),
        helper.make_node("MatMulInteger", ["halves", "vectors"], ["upper"]),
        helper.make_node("Mul", ["upper", "four"], ["raised"]),
        helper.make_node("Add", ["lower", "raised"], ["products"]),
    ]
    packed, signed, whole = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32
    inputs = [
        *(helper.make_tensor_value_info(f"part{number}", packed, ["rows", "quarter"]) for number in numbers),
        *(helper.make_tensor_value_info(f"quarter{number}", signed, ["quarter", "columns"]) for number in numbers),
        helper.make_tensor_value_info("halves", packed, ["rows", "dimensions"]),
        helper.make_tensor_value_info("vectors", signed, ["dimensions", "columns"]),
    ]
    products = helper.make_tensor_value_info("products", whole, ["rows", "columns"])
    four = numpy_helper.from_array(np.array(4, np.int32), "four")
    graph = helper.make_graph(nodes, "products", inputs, [products], [four])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


@functools.cache
def _session() -> InferenceSession:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1  # it takes a millisecond, and others search beside it
    return InferenceSession(str(GRAPH), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    GRAPH.write_bytes(build())
