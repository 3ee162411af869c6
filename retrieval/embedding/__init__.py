"""Embedding models behind one protocol: the local MiniLM and any OpenAI-compatible server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding.word_vectors import Words


class Embedder(Protocol):
    """Turn texts into unit vectors.

    Attributes:
        model: the name that stamps every vector; vectors of two models are never mixed.
        dimensions: the length of a vector.
        max_tokens: the longest text, in the model's own tokens, that is embedded whole.
    """

    model: str
    dimensions: int
    max_tokens: int

    def count_tokens(self, text: str) -> int:
        """Return how many of `max_tokens` the text takes, special tokens included; never fewer than the truth."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised row for each text, in order; shape (len(texts), dimensions).

        Does not block the event loop. Raises WeightsError or EmbeddingError with a sentence for the user.
        """
        ...

    async def close(self) -> None:
        """Release the model or the connection."""
        ...


@runtime_checkable
class WordEmbedder(Embedder, Protocol):
    """Turn the words of a text into vectors too, which a model behind an API does not give away."""

    async def embed_words(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[Words]]:
        """Return what `embed` does, and the words of each text as they are meant where they stand."""
        ...

    def split_words(self, text: str) -> tuple[str, ...]:
        """Name the words that `embed_words` gives for a text, in their order."""
        ...
