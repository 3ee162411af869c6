"""The bare ONNX model: the lower bound of any ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.peers.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text


class Peer:
    """Embeds texts and stores nothing."""

    def __init__(self, _folder: Path, cache: Path, _parts: Parts) -> None:
        self._model = Model(cache)

    def ingest(self, texts: Sequence[Text]) -> None:
        """Embed all texts, batched by length."""
        self._model.encode([text.whole for text in texts])

    def search(self, _query: str, _limit: int) -> list[str]:
        """Find nothing: there is no index."""
        return []

    def close(self) -> None:
        """Do nothing: there is nothing to write."""
