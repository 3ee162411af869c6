"""Write the graphs of retrieval/embedding: all-MiniLM-L6-v2 without its weights, and the products of packed words.

    uv run python bench/make_graph.py

The network finds its weights in the file that minilm.py lays out. Only this needs onnx, and no user does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from retrieval.embedding import products
from retrieval.embedding.local import WEIGHTS, LocalEmbedder
from retrieval.embedding.minilm import GRAPH, MAPPED, lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto

    from retrieval.embedding.minilm import Extent

LAYERS = 6
HEADS = 12
LAYER_NORM_EPSILON = 1e-12
OPSET = 23  # the first with Attention; Gelu came with 20, LayerNormalization with 17
IR_VERSION = 11  # the one that came with opset 23; a newer onnx would write one that onnxruntime may not read


def build(weights: Path) -> ModelProto:
    """Build the graph (input_ids, attention_mask) -> (embeddings, states) for the weights in a safetensors file.

    Both inputs are int64 of shape (batch, length), length 1..256. `embeddings` are float32 of shape (batch, 384),
    mean-pooled over the mask and L2-normalised; `states`, of shape (batch, length, 384), are what they are pooled from.
    """
    _, extents = lay_out(weights)
    graph = _Graph(extents)
    hidden, mask = graph.embed(), graph.mask()
    for layer in range(LAYERS):
        hidden = graph.encode(hidden, mask, f"encoder.layer.{layer}.")
    graph.pool(hidden)
    return graph.model()


def build_products() -> ModelProto:
    """Build the graph of retrieval/embedding/products.py."""
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
    outputs = [helper.make_tensor_value_info("products", whole, ["rows", "columns"])]
    four = numpy_helper.from_array(np.array(4, np.int32), "four")
    return _model(helper.make_graph(nodes, "products", inputs, outputs, [four]))


class _Graph:
    """Builds a BERT encoder; each method returns the name of its output."""

    def __init__(self, extents: dict[str, Extent]) -> None:
        self._extents = extents
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}

    def embed(self) -> str:
        """Add up word, position and segment embeddings; every token is of segment 0."""
        length = self._node("Shape", "input_ids", start=1, end=2)
        zero = self._constant("zero", np.array([0]))
        position = self._node("Slice", "positions", zero, length, zero)
        word = self._node("Gather", "words", "input_ids")
        return self._normalise(self._node("Add", word, position), "embeddings.LayerNorm")

    def mask(self) -> str:
        """Spread the mask over the queries, (batch, 1, length, length): onnxruntime's Attention wants it so."""
        mask = self._node("Cast", "attention_mask", to=TensorProto.BOOL)
        mask = self._node("Unsqueeze", mask, self._constant("head_and_query_axes", np.array([1, 2])))
        length = self._node("Shape", "input_ids", start=1, end=2)
        one = self._constant("one", np.array([1]))
        return self._node("Expand", mask, self._node("Concat", one, one, length, one, axis=0))

    def encode(self, hidden: str, mask: str, layer: str) -> str:
        """Apply one post-norm transformer layer."""
        projected = [self._dense(hidden, f"{layer}attention.self.{part}") for part in ("query", "key", "value")]
        attended = self._node("Attention", *projected, mask, q_num_heads=HEADS, kv_num_heads=HEADS)
        attended = self._dense(attended, f"{layer}attention.output.dense")
        hidden = self._normalise(self._node("Add", attended, hidden), f"{layer}attention.output.LayerNorm")
        inner = self._node("Gelu", self._dense(hidden, f"{layer}intermediate.dense"))
        outer = self._dense(inner, f"{layer}output.dense")
        return self._normalise(self._node("Add", outer, hidden), f"{layer}output.LayerNorm")

    def pool(self, hidden: str) -> None:
        """Sum over the mask and normalise: the divisor of the mean would cancel in the L2 norm."""
        row = self._constant("one", np.array([1]))
        mask = self._node("Cast", "attention_mask", to=TensorProto.FLOAT)
        states = self._node("Identity", hidden, output="states")
        total = self._node("MatMul", self._node("Unsqueeze", mask, row), states)
        self._node("LpNormalization", self._node("Squeeze", total, row), output="embeddings", axis=-1, p=2)

    def model(self) -> ModelProto:
        """The finished model."""
        shape = ["batch", "length"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")
        ]
        outputs = [
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", 384]),
            helper.make_tensor_value_info("states", TensorProto.FLOAT, [*shape, 384]),
        ]
        weights = [_pointer(name, extent) for name, extent in self._extents.items()]
        weights += [numpy_helper.from_array(value, name) for name, value in self._constants.items()]
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", inputs, outputs, weights)
        return _model(graph)

    def _dense(self, hidden: str, name: str) -> str:
        return self._node("Add", self._node("MatMul", hidden, f"{name}.weight"), f"{name}.bias")

    def _normalise(self, hidden: str, name: str) -> str:
        parts = f"{name}.weight", f"{name}.bias"
        return self._node("LayerNormalization", hidden, *parts, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants[name] = value
        return name

    def _node(self, operator: str, *inputs: str, output: str = "", **attributes: float) -> str:
        output = output or f"{operator}_{len(self._nodes)}"
        node = helper.make_node(operator, inputs, [output])
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)
        return output


def _model(graph: GraphProto) -> ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _pointer(name: str, extent: Extent) -> TensorProto:
    """A tensor that is stored in the weights file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=extent.shape)
    tensor.raw_data = b""  # external data requires this field
    set_external_data(tensor, MAPPED, offset=extent.offset, length=extent.length)
    tensor.ClearField("raw_data")
    return tensor


if __name__ == "__main__":
    weights = LocalEmbedder(GRAPH.parent)._file(WEIGHTS)  # noqa: SLF001  # nothing else needs to know where it lies
    GRAPH.write_bytes(build(weights).SerializeToString(deterministic=True))
    products.GRAPH.write_bytes(build_products().SerializeToString(deterministic=True))
