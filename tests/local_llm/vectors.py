"""Embed texts as hashed bags of words, so that texts with common words are near each other."""

from __future__ import annotations

import hashlib
import re

import numpy as np


def embed(text: str, dimensions: int) -> np.ndarray:
    """Embed a text as a float32 vector of length 1, the same in every process."""
    vector = np.zeros(dimensions, dtype=np.float32)
    for word in re.findall(r"\w+", text.casefold()) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] % 2 else -1.0
    # Words can cancel each other out; a vector without a direction could not be compared.
    vector[int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % dimensions] += 0.1
    return vector / np.linalg.norm(vector)
