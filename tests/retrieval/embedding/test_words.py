from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedding.word_vectors import Words, best_matches

if TYPE_CHECKING:
    from retrieval.embedding.local import LocalEmbedder


def _words(count: int, seed: int, outlier: float = 1.0) -> Words:
    states = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    states[:, 7] *= outlier
    return Words.of([f"w{at}" for at in range(count)], states)


@given(count=st.integers(1, 40), seed=st.integers(0, 1000), outlier=st.sampled_from([1.0, 20.0]))
def test_three_bits_a_dimension_keep_cosines(count: int, seed: int, outlier: float) -> None:
    words, asked = _words(count, seed, outlier), _words(5, seed + 1, outlier)
    packed = words.pack()
    assert len(packed) == count * 144
    exact = (asked.vectors @ words.vectors.T).max(axis=1)
    assert np.abs(best_matches(asked.vectors, [packed])[0] - exact).max() < 0.07


def test_what_was_packed_apart_is_matched_together() -> None:
    one, two, asked = _words(3, 1), _words(2, 2), _words(4, 3)
    apart = best_matches(asked.vectors, [one.pack(), two.pack()])
    assert np.allclose(best_matches(asked.vectors, [one.pack() + two.pack()])[0], apart.max(axis=0), atol=1e-5)


def test_a_text_without_words_matches_nothing() -> None:
    assert Words.of([None, "?", "the", None], np.ones((4, 384), np.float32)).pack() == b""
    one, asked = _words(3, 1), _words(2, 2)
    found = best_matches(asked.vectors, [b"", one.pack(), b""])
    assert not found[[0, 2]].any()
    assert np.allclose(found[1], best_matches(asked.vectors, [one.pack()])[0])
    assert best_matches(asked.vectors, [b""]).tolist() == [[0.0, 0.0]]
    assert best_matches(np.zeros((0, 384), np.float32), [one.pack()]).shape == (1, 0)


async def test_words_are_whole_and_named_once_without_stop_words(embedder: LocalEmbedder) -> None:
    (row,), (found,) = await embedder.embed_words(["Tülu's router routes the untokenizables to the router!"])
    assert found.words == ("tülu", "s", "router", "routes", "untokenizables")
    assert found.vectors.shape == (5, 384)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(row, (await embedder.embed(["Tülu's router routes the untokenizables to the router!"]))[0])


async def test_a_word_is_nearer_to_its_synonym_than_to_another(embedder: LocalEmbedder) -> None:
    _, (asked, said) = await embedder.embed_words(["a manipulator", "A robotic arm grasps bananas."])
    assert said.words == ("robotic", "arm", "grasps", "bananas")
    assert (said.vectors @ asked.vectors[0]).argmax() in {0, 1}


async def test_words_behind_the_256th_piece_are_left_out(embedder: LocalEmbedder) -> None:
    _, (found,) = await embedder.embed_words(["token " * 254 + "extra"])
    assert found.words == ("token",)
