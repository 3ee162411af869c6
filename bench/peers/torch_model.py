"""The same weights in sentence-transformers on torch, as its own documentation uses them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.peers.protocol import Parts, Text

WEIGHTS = "BENCH_WEIGHTS"  # the folder of the model's files, named by the process that measures


class Peer:
    """Embeds texts and stores nothing."""

    def __init__(self, _folder: Path, _cache: Path, _parts: Parts) -> None:
        self._model = SentenceTransformer(str(Path(os.environ[WEIGHTS])), device="cpu")
        self._model.max_seq_length = 256  # the model's own limit; the files' tokenizer would cut at 128
        self._model.encode(["The first text pays for opening the model."])

    def ingest(self, texts: Sequence[Text]) -> None:
        """Embed all texts in its own batches of 32, which it sorts by length itself."""
        self._model.encode([text.whole for text in texts], normalize_embeddings=True)

    def search(self, _query: str, _limit: int) -> list[str]:
        """Find nothing: there is no index."""
        return []

    def close(self) -> None:
        """Do nothing: there is nothing to write."""
