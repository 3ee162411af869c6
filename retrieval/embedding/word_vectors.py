"""The words of a text as vectors, which late interaction compares one by one, and how they are stored.

Each word is the mean of the model's last hidden states of its pieces, wherever it stands in the text. Three bits a
dimension rank as 32 do, once a rotation has spread the few large dimensions over all of them, so that each is about
normal.
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

# Lucene's stop words: any paper has them, so that they only cost room.
STOP_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
})  # fmt: skip
ZERO = 3.5  # of the levels 0 to 7 that three bits tell apart
# Between two levels, in standard deviations: the best of eight for normal values (Max, "Quantizing for minimum
# distortion", 1960), and what it takes off a cosine given back.
CUT = 0.586
STEP = CUT / 0.9626
MOST = 127  # of the levels of a query's eight bits, on either side of zero
SMALLEST = 1e-9  # that is divided by
BLOCK = 2048  # words at a time: larger arrays are handed back to the system, and faulted in anew


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
        index_of: dict[str, int] = {}
        rows, owners = [], []  # which piece is of which word
        for row, word in enumerate(pieces):
            if word and _counts(word):
                rows.append(row)
                owners.append(index_of.setdefault(word, len(index_of)))
        membership = np.zeros((len(index_of), len(states)), np.float32)
        membership[owners, rows] = 1
        return cls(tuple(index_of), _unit(np.asarray(membership @ states @ _rotation(states.shape[1]), np.float32)))

    def pack(self) -> bytes:
        """Return the vectors in three bits a dimension: of each word the lower two, four a byte, then the upper."""
        cut = CUT / math.sqrt(self.vectors.shape[1])
        levels = np.clip(np.floor(self.vectors / cut) + 4, 0, 7).astype(np.uint8)
        first, second, third, fourth = np.split(levels & 3, 4, axis=1)
        lower = first | second << 2 | third << 4 | fourth << 6
        return np.concatenate([lower, np.packbits(levels >> 2, axis=1)], axis=1).tobytes()


def distinct_words(pieces: Sequence[str | None]) -> tuple[str, ...]:
    """Name the distinct words of a text's pieces that `Words.of` keeps, in the order of their rows."""
    return tuple(dict.fromkeys(word for word in pieces if word and _counts(word)))


def _counts(word: str) -> bool:
    return word not in STOP_WORDS and any(map(str.isalnum, word))


def best_matches(query: NDArray[np.float32], packed: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the cosine of each text's word most like each word of a query, shape (texts, words of the query).

    `query` has the `Words.vectors` of a query, `packed` what was packed of each text, where what was packed apart may
    be put together; the row of a text without words is 0. Three bits tell a cosine within a few hundredths.
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
    # The levels were made positive, which adds the same to every product of a word.
    found[held] = (best - ZERO * vectors.sum(axis=0, dtype=np.int32)) * (scales * _step(dimensions))
    return found


def unpack(packed: bytes, dimensions: int) -> NDArray[np.float32]:
    """Give back packed vectors, one row each, of about unit length."""
    return np.asarray((_levels(packed, dimensions) - ZERO) * _step(dimensions), np.float32)


def _levels(packed: bytes, dimensions: int) -> NDArray[np.float32]:
    parts, halves = _parts(_rows(packed, dimensions))
    return (np.concatenate(parts, axis=1) | halves << 2).astype(np.float32)


def _rows(packed: bytes, dimensions: int) -> NDArray[np.uint8]:
    return np.frombuffer(packed, np.uint8).reshape(-1, 3 * dimensions // 8)


def _parts(rows: NDArray[np.uint8]) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Give the lower two bits of each quarter of the dimensions, and the upper one of them all."""
    # Copied, as what is done to parts of rows takes a step for each row.
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
    """Return a random orthogonal matrix, always the same one."""
    gaussian = np.random.default_rng(1).normal(size=(dimensions, dimensions))
    return np.linalg.qr(gaussian)[0].astype(np.float32)
