"""paper-qa's `Docs`: vectors in memory, retrieved by maximal marginal relevance, its default.

Its keyword search is a tool that a language model calls; `Docs` does not use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmi import EmbeddingModel
from paperqa import Doc, Docs, Settings
from paperqa import Text as PaperText
from pydantic import PrivateAttr

from bench.peers.model import Loop, Model
from bench.peers.protocol import QUERY_MODEL, first_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text


class OnnxEmbedding(EmbeddingModel):
    """paper-qa's embedder, with the model that all peers share."""

    _model: Model = PrivateAttr()
    _parts: Parts = PrivateAttr()

    def __init__(self, model: Model, parts: Parts) -> None:
        super().__init__(name="onnx", ndim=384)
        self._model = model
        self._parts = parts

    async def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed papers, one per call, and queries."""
        with self._parts.part(QUERY_MODEL):
            return [row.tolist() for row in self._model.encode(texts)]


class Peer:
    """Add each paper as a document of one text, as its splitter (of 5,000 characters) would."""

    def __init__(self, _folder: Path, cache: Path, parts: Parts) -> None:
        self._loop = Loop()
        self._model = OnnxEmbedding(Model(cache), parts)
        self._settings = Settings()
        self._docs = Docs()

    def ingest(self, texts: Sequence[Text]) -> None:
        """Add papers one by one; it has no call for many."""
        self._loop.run(self._add(texts))
        self._retrieve(texts[0].title, 1)  # its index is made by the first query

    async def _add(self, texts: Sequence[Text]) -> None:
        for text in texts:
            doc = Doc(docname=text.text_id, dockey=text.text_id, citation=text.title)
            part = PaperText(text=text.whole, name=text.text_id, doc=doc)
            await self._docs.aadd_texts([part], doc, self._settings, self._model)

    def search(self, query: str, limit: int) -> list[str]:
        """The papers from which evidence would be gathered."""
        return self._retrieve(query, limit)

    def _retrieve(self, query: str, limit: int) -> list[str]:
        found = self._loop.run(self._docs.retrieve_texts(query, limit, self._settings, self._model))
        return first_of_each((text.doc.dockey for text in found), limit)

    def close(self) -> None:
        """Do nothing: a `Docs` lives in memory only."""
