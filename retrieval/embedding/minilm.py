"""The all-MiniLM-L6-v2 network as an ONNX graph, built from its safetensors so that no torch is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from safetensors.numpy import load_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

LAYERS = 6
HEADS = 12
MAX_POSITIONS = 256  # the table holds 512, but the model was trained, and is used, on 256 word pieces
LAYER_NORM_EPSILON = 1e-12
OPSET = 23  # the first with Attention; Gelu came with 20, LayerNormalization with 17
PAGE = 4096  # bytes; smaller constants stay in the graph
IR_VERSION = 11  # the one that came with opset 23; a newer onnx would write one that onnxruntime may not read


def build(weights: Path) -> ModelProto:
    """Return the graph (input_ids, attention_mask) -> (embeddings, states) for the weights in a safetensors file.

    Both inputs are int64 of shape (batch, length), length 1..256. `embeddings` are float32 of shape (batch, 384),
    mean-pooled over the mask and L2-normalised; `states`, of shape (batch, length, 384), are what they are pooled from.
    """
    graph = _Graph(load_file(weights))
    hidden, mask = graph.embed(), graph.mask()
    for layer in range(LAYERS):
        hidden = graph.encode(hidden, mask, f"encoder.layer.{layer}.")
    graph.pool(hidden)
    return graph.model()


def move_weights_out(model: ModelProto, location: str) -> bytearray:
    """Have a graph find its weights in a file beside it, and return what that file is to hold.

    onnxruntime maps such a file: of the table of words, half of all weights, only what is used comes into memory.
    """
    weights = bytearray()
    for tensor in model.graph.initializer:
        content = tensor.raw_data
        if len(content) < PAGE:
            continue
        weights += bytes(-len(weights) % PAGE)
        set_external_data(tensor, location, offset=len(weights), length=len(content))
        tensor.ClearField("raw_data")
        weights += content
    return weights


class _Graph:
    """Collect the nodes and weights of a BERT encoder; each method returns the name of what it computes."""

    def __init__(self, tensors: dict[str, NDArray[np.float32]]) -> None:
        self._tensors = tensors
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}

    def embed(self) -> str:
        """Add up word, position and segment embeddings; every token is of segment 0."""
        table = "embeddings.{}_embeddings.weight".format
        positions = self._tensors[table("position")][:MAX_POSITIONS] + self._tensors[table("token_type")][0]
        length = self._node("Shape", "input_ids", start=1, end=2)
        zero = self._constant("zero", np.array([0]))
        position = self._node("Slice", self._constant("positions", positions), zero, length, zero)
        word = self._node("Gather", self._constant("words", self._tensors[table("word")]), "input_ids")
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
        """Return what was collected as a model."""
        shape = ["batch", "length"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")
        ]
        outputs = [
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", 384]),
            helper.make_tensor_value_info("states", TensorProto.FLOAT, [*shape, 384]),
        ]
        weights = [numpy_helper.from_array(value, name) for name, value in self._constants.items()]
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", inputs, outputs, weights)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    def _dense(self, hidden: str, name: str) -> str:
        # Torch keeps (out, in), MatMul wants (in, out).
        weight = self._constant(f"{name}.weight", np.ascontiguousarray(self._tensors[f"{name}.weight"].T))
        product = self._node("MatMul", hidden, weight)
        return self._node("Add", product, self._constant(f"{name}.bias", self._tensors[f"{name}.bias"]))

    def _normalise(self, hidden: str, name: str) -> str:
        parts = [self._constant(f"{name}.{part}", self._tensors[f"{name}.{part}"]) for part in ("weight", "bias")]
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
