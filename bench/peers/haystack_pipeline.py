"""Haystack with Chroma and BM25: an indexing pipeline, and a hybrid one that joins two rankings by reciprocal ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers import InMemoryBM25Retriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.retrievers.chroma import ChromaEmbeddingRetriever
from haystack_integrations.document_stores.chroma import ChromaDocumentStore

from bench.peers.model import Model
from bench.peers.protocol import QUERY_MODEL, first_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text

PARTS_OF_A_PAPER = 3  # retrieved per paper wanted, as several may come from one paper


@component
class OnnxDocumentEmbedder:
    """Haystack's document embedder, with the model that all peers share."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """Embed each document."""
        vectors = self._model.encode([document.content or "" for document in documents])
        for document, vector in zip(documents, vectors, strict=True):
            document.embedding = vector.tolist()
        return {"documents": documents}


@component
class OnnxTextEmbedder:
    """Haystack's query embedder, with the model that all peers share."""

    def __init__(self, model: Model, parts: Parts) -> None:
        self._model = model
        self._parts = parts

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """Embed a query."""
        with self._parts.part(QUERY_MODEL):
            return {"embedding": self._model.encode([text])[0].tolist()}


class Peer:
    """Documents in Chroma for vectors and in memory for BM25: Haystack has no store for both on disk."""

    def __init__(self, folder: Path, cache: Path, parts: Parts) -> None:
        self._model = Model(cache)
        self._vectors = ChromaDocumentStore("papers", persist_path=str(folder / "chroma"), distance_function="cosine")
        self._words = InMemoryDocumentStore()
        self._hybrid = self._make_hybrid(parts)

    def _make_hybrid(self, parts: Parts) -> Pipeline:
        made = Pipeline()
        made.add_component("embedder", OnnxTextEmbedder(self._model, parts))
        made.add_component("nearest", ChromaEmbeddingRetriever(self._vectors))
        made.add_component("words", InMemoryBM25Retriever(self._words))
        made.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        made.connect("embedder.embedding", "nearest.query_embedding")
        made.connect("nearest", "joiner")
        made.connect("words", "joiner")
        return made

    def ingest(self, texts: Sequence[Text]) -> None:
        """Split by its defaults, embed, and write to both stores."""
        made = Pipeline()
        made.add_component("splitter", DocumentSplitter())
        made.add_component("embedder", OnnxDocumentEmbedder(self._model))
        made.add_component("vectors", DocumentWriter(self._vectors))
        made.add_component("words", DocumentWriter(self._words))
        made.connect("splitter", "embedder")
        made.connect("embedder.documents", "vectors.documents")
        made.connect("splitter.documents", "words.documents")
        papers = [Document(content=text.whole, meta={"paper": text.text_id}) for text in texts]
        made.run({"splitter": {"documents": papers}})

    def search(self, query: str, limit: int) -> list[str]:
        """The papers of the parts in the joined rankings."""
        found = self._hybrid.run(
            {
                "embedder": {"text": query},
                "nearest": {"top_k": limit * PARTS_OF_A_PAPER},
                "words": {"query": query, "top_k": limit * PARTS_OF_A_PAPER},
            }
        )["joiner"]["documents"]
        return first_of_each((document.meta["paper"] for document in found), limit)

    def close(self) -> None:
        """Do nothing: Chroma writes at once."""
