from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedding.words import Words, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieval.embedding.local import LocalEmbedder


def _words(count: int, seed: int, outlier: float = 1.0) -> Words:
    states = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    states[:, 7] *= outlier
    return Words.of([f"w{at}" for at in range(count)], states)


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    return (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


@given(count=st.integers(1, 40), seed=st.integers(0, 1000), outlier=st.sampled_from([1.0, 20.0]))
def test_four_bits_a_dimension_keep_directions_and_lengths(count: int, seed: int, outlier: float) -> None:
    words = _words(count, seed, outlier)
    packed = words.pack()
    found = unpack(packed, 384)
    assert len(packed) == count * 192
    assert _cosines(found, words.vectors).min() > 0.98
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=0.12)


def test_what_was_packed_apart_is_unpacked_together() -> None:
    one, two = _words(3, 1), _words(2, 2)
    together = unpack(one.pack() + two.pack(), 384)
    assert np.array_equal(together, np.concatenate([unpack(one.pack(), 384), unpack(two.pack(), 384)]))


def test_a_text_without_words_packs_to_nothing() -> None:
    assert Words.of([None, "?", "the", None], np.ones((4, 384), np.float32)).pack() == b""
    assert unpack(b"", 384).shape == (0, 384)


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
