"""What a window says: its sentences and words with their vectors, as they are read by a model and kept in bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.embedding import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.embedding import Embedder
    from retrieval.papers import Chunk

HEADER: Final = struct.Struct("<II")  # sentences, dimensions
MOST: Final = 127  # of the levels of eight bits, on either side of zero


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Hold what a window says, each sentence's unit vector in eight bits a dimension.

    Attributes:
        spans: where in the window each sentence begins and ends.
        levels: the vectors of the sentences as int8, shape (sentences, dimensions).
        scales: what to multiply the levels by, one for each sentence.
        words: the packed vectors of the window's words; empty where the model has none.
    """

    spans: NDArray[np.int32]
    levels: NDArray[np.int8]
    scales: NDArray[np.float32]
    words: bytes

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]], sentences: NDArray[np.float32], words: bytes = b"") -> Contents:
        """Take the vectors of sentences, shape (len(spans), dimensions), into eight bits, which rank as 32 do."""
        scales = np.maximum(np.abs(sentences).max(axis=1, initial=0.0), 1e-9).astype(np.float32) / MOST
        levels = np.rint(sentences / scales[:, None]).astype(np.int8)
        return cls(np.array(spans, np.int32).reshape(-1, 2), levels, scales, words)

    @property
    def sentences(self) -> NDArray[np.float32]:
        """Give the vectors of the sentences, of about unit length, shape (sentences, dimensions)."""
        return self.levels * self.scales[:, None]

    def pack(self) -> bytes:
        """Return all in bytes."""
        parts = (self.spans, self.scales, self.levels)
        return b"".join((HEADER.pack(*self.levels.shape), *(part.tobytes() for part in parts), self.words))

    @classmethod
    def unpack(cls, packed: bytes) -> Contents:
        """Give back what was packed; all is copied, as views would keep the words twice."""
        count, dimensions = HEADER.unpack_from(packed)
        spans = np.frombuffer(packed, np.int32, 2 * count, HEADER.size).reshape(count, 2)
        scales = np.frombuffer(packed, np.float32, count, offset := HEADER.size + spans.nbytes)
        levels = np.frombuffer(packed, np.int8, count * dimensions, offset := offset + scales.nbytes)
        rows = levels.reshape(count, dimensions)
        return cls(spans.copy(), rows.copy(), scales.copy(), packed[offset + levels.nbytes :])


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Hold what a model made of a window: a unit vector, and what the window says."""

    vector: NDArray[np.float32]
    contents: Contents


async def embed_chunks(chunks: Sequence[Chunk], embedder: Embedder) -> list[Embedded]:
    """Embed windows and each of their sentences, the words out of the windows' own pass where the model has them."""
    texts = [chunk.text for chunk in chunks]
    words = [b""] * len(chunks)
    if isinstance(embedder, WordEmbedder):
        vectors, found = await embedder.embed_words(texts)
        words = [found_words.pack() for found_words in found]
    else:
        vectors = await embedder.embed(texts)
    sentences = list(dict.fromkeys(sentence.text for chunk in chunks for sentence in chunk.sentences))
    rows = await embedder.embed(sentences) if sentences else np.zeros((0, embedder.dimensions), np.float32)
    row_of = {text: row for row, text in enumerate(sentences)}
    return [
        Embedded(vector, Contents.of(chunk.spans, rows[[row_of[sentence.text] for sentence in chunk.sentences]], held))
        for chunk, vector, held in zip(chunks, vectors, words, strict=True)
    ]
