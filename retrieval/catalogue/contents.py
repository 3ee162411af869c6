"""The contents of a window: its sentences and words with their vectors, and how they are packed into bytes."""

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
MOST: Final = 127  # the largest int8 level used, on either side of zero


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The sentences and words of a window, with sentence vectors quantised to 8 bits per dimension.

    Attributes:
        spans: (start, end) of each sentence, relative to the window; shape (sentences, 2).
        levels: the quantised sentence vectors; shape (sentences, dimensions).
        scales: the factor to multiply the levels by, per sentence; shape (sentences,).
        words: the packed word vectors; empty if the model has none.
    """

    spans: NDArray[np.int32]
    levels: NDArray[np.int8]
    scales: NDArray[np.float32]
    words: bytes

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]], sentences: NDArray[np.float32], words: bytes = b"") -> Contents:
        """Quantise sentence vectors, shape (len(spans), dimensions), to 8 bits, which rank like float32."""
        scales = np.maximum(np.abs(sentences).max(axis=1, initial=0.0), 1e-9).astype(np.float32) / MOST
        levels = np.rint(sentences / scales[:, None]).astype(np.int8)
        return cls(np.array(spans, np.int32).reshape(-1, 2), levels, scales, words)

    @property
    def sentences(self) -> NDArray[np.float32]:
        """The dequantised sentence vectors, of about unit length; shape (sentences, dimensions)."""
        return self.levels * self.scales[:, None]

    def pack(self) -> bytes:
        """Serialise to bytes."""
        parts = (self.spans, self.scales, self.levels)
        return b"".join((HEADER.pack(*self.levels.shape), *(part.tobytes() for part in parts), self.words))

    @classmethod
    def unpack(cls, packed: bytes) -> Contents:
        """Deserialise; arrays are copied, because views would keep the whole buffer alive."""
        count, dimensions = HEADER.unpack_from(packed)
        spans = np.frombuffer(packed, np.int32, 2 * count, HEADER.size).reshape(count, 2)
        scales = np.frombuffer(packed, np.float32, count, offset := HEADER.size + spans.nbytes)
        levels = np.frombuffer(packed, np.int8, count * dimensions, offset := offset + scales.nbytes)
        rows = levels.reshape(count, dimensions)
        return cls(spans.copy(), rows.copy(), scales.copy(), packed[offset + levels.nbytes :])


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """An embedded window: its unit vector and its contents."""

    vector: NDArray[np.float32]
    contents: Contents


async def embed_chunks(chunks: Sequence[Chunk], embedder: Embedder) -> list[Embedded]:
    """Embed windows and their sentences; word vectors, if the model has them, come from the windows' own pass."""
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
