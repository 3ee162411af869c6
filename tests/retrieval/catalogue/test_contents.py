from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalogue.contents import Contents


@given(count=st.integers(0, 30), dimensions=st.sampled_from([4, 384]), seed=st.integers(0, 1000), words=st.binary())
def test_what_a_window_says_survives_its_bytes(count: int, dimensions: int, seed: int, words: bytes) -> None:
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, dimensions)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    spans = [(int(start), int(start) + 5) for start in chance.integers(0, 1 << 20, count)]
    kept = Contents.unpack(Contents.of(spans, rows, words).pack())
    assert kept.spans.tolist() == [list(span) for span in spans]
    assert kept.words == words
    assert kept.sentences.shape == rows.shape
    assert np.abs(kept.sentences - rows).max(initial=0.0) <= np.abs(rows).max(initial=0.0) / 254 + 1e-6


def test_a_vector_of_nothing_stays_nothing() -> None:
    assert not Contents.unpack(Contents.of([(0, 1)], np.zeros((1, 4), np.float32)).pack()).sentences.any()
