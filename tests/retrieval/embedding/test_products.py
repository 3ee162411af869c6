from __future__ import annotations

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st

from bench.make_graph import build_products
from retrieval.embedding.products import GRAPH, multiply


def test_the_graph_is_what_its_module_makes() -> None:
    assert onnx.load_from_string(GRAPH.read_bytes()).graph == build_products().graph


@given(rows=st.integers(1, 50), columns=st.integers(1, 12), seed=st.integers(0, 1000))
def test_products_are_exact(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    levels = random.integers(0, 8, (rows, 384), dtype=np.uint8)
    vectors = random.integers(-127, 128, (384, columns), dtype=np.int8)
    parts = np.split(levels & np.uint8(3), 4, axis=1)
    expected = levels.astype(np.int32) @ vectors.astype(np.int32)
    assert (multiply(parts, levels >> np.uint8(2), vectors) == expected).all()
