"""The words of a text as vectors, which late interaction compares one by one, and how they are stored.

Each word is the mean of the model's last hidden states of its pieces, wherever it stands in the text. Four bits a
dimension rank as 32 do, once a rotation has spread the few large dimensions over all of them, so that each is about
normal.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Lucene's stop words: any paper has them, so that they only cost room.
STOP_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
})  # fmt: skip
ZERO = 8  # of the 16 levels that four bits tell apart
STEP = 0.35  # between two levels, in standard deviations: about the best for normal values and 15 levels


@dataclass(frozen=True, slots=True)
class Words:
    """Hold the distinct words of a text that are no stop words, and a unit vector for each.

    `vectors` are float32 of shape (len(words), dimensions), rotated as what is packed.
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, pieces: Sequence[str | None], states: NDArray[np.float32]) -> Words:
        """Average the states of the pieces, each named by the word that it belongs to, None for special ones."""
        places: dict[str, int] = {}
        rows, owners = [], []  # which piece is of which word
        for row, word in enumerate(pieces):
            if word and _counts(word):
                rows.append(row)
                owners.append(places.setdefault(word, len(places)))
        membership = np.zeros((len(places), len(states)), np.float32)
        membership[owners, rows] = 1
        return cls(tuple(places), _unit(np.asarray(membership @ states @ _rotation(states.shape[1]), np.float32)))

    def pack(self) -> bytes:
        """Return the vectors in four bits a dimension."""
        levels = np.clip(np.rint(self.vectors / _step(self.vectors.shape[1])), 1 - ZERO, ZERO - 1)
        low, high = np.split((levels + ZERO).astype(np.uint8), 2, axis=1)
        return bytes((low | high << 4).data)


def distinct_words(pieces: Sequence[str | None]) -> tuple[str, ...]:
    """Name the distinct words of a text's pieces that `Words.of` keeps, in the order of their rows."""
    return tuple(dict.fromkeys(word for word in pieces if word and _counts(word)))


def _counts(word: str) -> bool:
    return word not in STOP_WORDS and any(map(str.isalnum, word))


def best_matches(query: NDArray[np.float32], packed: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the cosine of each text's word most like each word of a query, shape (texts, words of the query).

    `query` has the `Words.vectors` of a query, `packed` what was packed of each text, where what was packed apart may
    be put together; the row of a text without words is 0. Four bits tell a cosine within a few hundredths.
    """
    found = np.zeros((len(packed), len(query)), np.float32)
    if not len(query):
        return found
    shift = ZERO * query.sum(axis=1)  # the levels were made positive, which adds the same to every product of a word
    for row, each in enumerate(packed):  # one text's levels stay in the processor's cache, which those of all do not
        if each:
            pairs = np.frombuffer(each, np.uint8).reshape(-1, query.shape[1] // 2)
            levels = np.concatenate([pairs & 15, pairs >> 4], axis=1, dtype=np.float32, casting="unsafe")
            found[row] = (levels @ query.T).max(axis=0) - shift
    found *= _step(query.shape[1])
    return found


def unpack(packed: bytes, dimensions: int) -> NDArray[np.float32]:
    """Give back packed vectors, one row each, of about unit length."""
    pairs = np.frombuffer(packed, np.uint8).reshape(-1, dimensions // 2)
    levels = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32)
    return (levels - ZERO) * _step(dimensions)


def _step(dimensions: int) -> float:
    return STEP / math.sqrt(dimensions)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


@functools.cache
def _rotation(dimensions: int) -> NDArray[np.float32]:
    """Return a random orthogonal matrix, always the same one."""
    gaussian = np.random.default_rng(1).normal(size=(dimensions, dimensions))
    return np.linalg.qr(gaussian)[0].astype(np.float32)
