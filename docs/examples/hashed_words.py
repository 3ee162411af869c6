"""An embedding model that hashes each word to one of 512 counters: quick, and blind to meaning."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from footnote.plugins import EmbeddingSettings


class HashedWords:
    """Turn texts into unit vectors of word counts."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self.dimensions = settings.dimensions or 512
        self.model = f"hashed-words-{self.dimensions}"  # vectors of two models are never mixed
        self.max_tokens = 256

    def count_tokens(self, text: str) -> int:
        """Count words; Footnote cuts a text of more than `max_tokens` before it calls `embed`."""
        return len(_words(text))

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Compute a unit vector for each text, one per row, in a thread, so that the bot can go on meanwhile."""
        return await asyncio.to_thread(self._rows, texts)

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _words(text) or [""]:
                row[crc32(word.encode()) % self.dimensions] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
