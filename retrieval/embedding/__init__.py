"""Embedding models behind one protocol: a local MiniLM, and any OpenAI-compatible server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding.word_vectors import Words

__all__ = ["Embedder", "WordEmbedder"]


class Embedder(Protocol):
    """An embedding model: texts in, unit vectors out.

    Attributes:
        model: the name stored with every vector; vectors of two models are never mixed.
        dimensions: the length of a vector.
        max_tokens: the longest text, in the model's tokens, that is not truncated.
    """

    model: str
    dimensions: int
    max_tokens: int

    def count_tokens(self, text: str) -> int:
        """Count tokens, special ones included; an estimate must never be too low."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: one L2-normalised row each, in order; shape (len(texts), dimensions).

        Does not block the event loop. Raises WeightsError or EmbeddingError, with a message for users.
        """
        ...

    async def close(self) -> None:
        """Release the model or the connection."""
        ...


@runtime_checkable
class WordEmbedder(Embedder, Protocol):
    """A model that also embeds the words of a text; models behind an API do not expose these vectors."""

    async def embed_words(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[Words]]:
        """Embed texts as `embed` does, and the words of each text in context."""
        ...

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words for which `embed_words` returns vectors, in the same order."""
        ...
