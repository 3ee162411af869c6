"""Footnote's own ONNX model as plain calls, shared by all peers, so that they differ only in their own work."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from retrieval.embedding.local import LocalEmbedder

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


class Loop:
    """Run coroutines from synchronous code, even if a loop is already running in its thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[None, None, T]) -> T:
        """Run a coroutine to its end; returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Model:
    """Embed texts in the same batches as Footnote does."""

    def __init__(self, cache: Path) -> None:
        self._loop = Loop()
        self._embedder = LocalEmbedder(cache_dir=cache)
        self.encode(["The first text pays for opening the model."])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: one unit vector each."""
        return self._loop.run(self._embedder.embed(texts))
