"""Word vectors in context, for late interaction, and their packed form.

A word's vector is the mean of the last hidden states of its pieces, over all its occurrences in the text. Three bits
per dimension rank like float32, after a random rotation that spreads the few large dimensions over all, so that each
is about normally distributed.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embedding.products import multiply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Lucene's stop words: every paper has them, so they only take space.
STOP_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
})  # fmt: skip
ZERO = 3.5  # the zero point of the levels 0 to 7
# The distance between levels, in standard deviations: optimal for eight levels of normal values (Max, "Quantizing for
# minimum distortion", 1960); STEP also corrects for the cosine that quantisation loses.
CUT = 0.586
STEP = CUT / 0.9626
MOST = 127  # the largest int8 level of a query, on either side of zero
SMALLEST = 1e-9  # lower bound of divisors
BLOCK = 2048  # words at a time; the allocator returns larger arrays to the system, and page faults cost time


@dataclass(frozen=True, slots=True)
class Words:
    """The distinct words of a text, without stop words, and a unit vector for each.

    `vectors` is float32 of shape (len(words), dimensions), already rotated for packing.
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, pieces: Sequence[str | None], states: NDArray[np.float32]) -> Words:
        """Average the states, shape (pieces, dimensions), per word; `pieces` has each piece's word, None if special."""
        index_of: dict[str, int] = {}
        rows, owners = [], []  # which piece belongs to which word
        for row, word in enumerate(pieces):
            if word and _counts(word):
                rows.append(row)
                owners.append(index_of.setdefault(word, len(index_of)))
        membership = np.zeros((len(index_of), len(states)), np.float32)
        membership[owners, rows] = 1
        return cls(tuple(index_of), _unit(np.asarray(membership @ states @ _rotation(states.shape[1]), np.float32)))

    def pack(self) -> bytes:
        """Pack to 3 bits per dimension: for each word the lower two bits, four to a byte, then the upper bits."""
        cut = CUT / math.sqrt(self.vectors.shape[1])
        levels = np.clip(np.floor(self.vectors / cut) + 4, 0, 7).astype(np.uint8)
        first, second, third, fourth = np.split(levels & 3, 4, axis=1)
        lower = first | second << 2 | third << 4 | fourth << 6
        return np.concatenate([lower, np.packbits(levels >> 2, axis=1)], axis=1).tobytes()


def distinct_words(pieces: Sequence[str | None]) -> tuple[str, ...]:
    """The distinct words that `Words.of` keeps, in the order of its rows."""
    return tuple(dict.fromkeys(word for word in pieces if word and _counts(word)))


def _counts(word: str) -> bool:
    return word not in STOP_WORDS and any(map(str.isalnum, word))


def best_matches(query: NDArray[np.float32], packed: Sequence[bytes]) -> NDArray[np.float32]:
    """The best cosine of any word of each text to each word of a query; shape (texts, query words).

    `query` is the `Words.vectors` of a query; `packed` has the packed words of each text, where several packs may be
    concatenated. A text without words gets a row of zeros. Cosines are accurate to a few hundredths.
    """
    found = np.zeros((len(packed), len(query)), np.float32)
    held = [row for row, code in enumerate(packed) if code]
    if not len(query) or not held:
        return found
    dimensions = query.shape[1]
    scales = np.abs(query).max(axis=1) / MOST
    vectors = np.rint(query.T / np.maximum(scales, SMALLEST)).astype(np.int8)
    rows = _rows(b"".join(packed), dimensions)
    blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
    products = np.concatenate([multiply(*_parts(block), vectors) for block in blocks])
    lengths = [len(packed[row]) // rows.shape[1] for row in held]
    best = np.maximum.reduceat(products, np.cumsum([0, *lengths[:-1]]))
    # Subtract the zero point, which adds the same to every product with a query word.
    found[held] = (best - ZERO * vectors.sum(axis=0, dtype=np.int32)) * (scales * _step(dimensions))
    return found


def unpack(packed: bytes, dimensions: int) -> NDArray[np.float32]:
    """Unpack vectors, of about unit length; shape (words, dimensions)."""
    return np.asarray((_levels(packed, dimensions) - ZERO) * _step(dimensions), np.float32)


def _levels(packed: bytes, dimensions: int) -> NDArray[np.float32]:
    parts, halves = _parts(_rows(packed, dimensions))
    return (np.concatenate(parts, axis=1) | halves << 2).astype(np.float32)


def _rows(packed: bytes, dimensions: int) -> NDArray[np.uint8]:
    return np.frombuffer(packed, np.uint8).reshape(-1, 3 * dimensions // 8)


def _parts(rows: NDArray[np.uint8]) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Split packed rows: the lower two bits of each quarter of the dimensions, and the upper bits of all."""
    # Copied, because operations on slices of rows loop over the rows.
    fours, upper = map(np.ascontiguousarray, np.split(rows, [2 * rows.shape[1] // 3], axis=1))
    halves = np.unpackbits(upper.reshape(-1)).reshape(len(rows), -1)
    three = np.uint8(3)
    return [fours & three, fours >> np.uint8(2) & three, fours >> np.uint8(4) & three, fours >> np.uint8(6)], halves


def _step(dimensions: int) -> float:
    return STEP / math.sqrt(dimensions)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, SMALLEST), np.float32)


@functools.cache
def _rotation(dimensions: int) -> NDArray[np.float32]:
    """A random orthogonal matrix from a fixed seed; shape (dimensions, dimensions)."""
    gaussian = np.random.default_rng(1).normal(size=(dimensions, dimensions))
    return np.linalg.qr(gaussian)[0].astype(np.float32)
