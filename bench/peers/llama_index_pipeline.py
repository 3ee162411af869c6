"""LlamaIndex with Chroma and BM25: its fusion retriever by reciprocal ranks, without questions made up by a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chromadb
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from bench.peers.model import Model
from bench.peers.protocol import QUERY_MODEL, first_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text

TEXTS_A_CALL = 2048  # the most that it allows: the model sorts and batches them itself
PARTS_OF_A_PAPER = 3  # retrieved per paper wanted, as several may come from one paper


class OnnxEmbedding(BaseEmbedding):
    """LlamaIndex's embedder, with the model that all peers share."""

    _model: Model = PrivateAttr()
    _parts: Parts = PrivateAttr()

    def __init__(self, model: Model, parts: Parts) -> None:
        super().__init__(embed_batch_size=TEXTS_A_CALL)
        self._model = model
        self._parts = parts

    def _get_query_embedding(self, query: str) -> list[float]:
        with self._parts.part(QUERY_MODEL):
            return [float(value) for value in self._model.encode([query])[0]]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [row.tolist() for row in self._model.encode(texts)]


class Peer:
    """Nodes in Chroma, and BM25 in memory."""

    def __init__(self, folder: Path, cache: Path, parts: Parts) -> None:
        self._embedding = OnnxEmbedding(Model(cache), parts)
        collection = chromadb.PersistentClient(str(folder / "chroma")).create_collection(
            "papers", embedding_function=None
        )
        self._store = ChromaVectorStore(chroma_collection=collection)
        self._found = 0
        self._both = None
        self._index = None
        self._nodes: list[object] = []

    def ingest(self, texts: Sequence[Text]) -> None:
        """Split by its defaults, embed and store."""
        documents = [Document(text=text.whole, id_=text.text_id) for text in texts]
        self._nodes = SentenceSplitter().get_nodes_from_documents(documents)
        context = StorageContext.from_defaults(vector_store=self._store)
        self._index = VectorStoreIndex(self._nodes, storage_context=context, embed_model=self._embedding)
        self._retrieve(10)

    def _retrieve(self, limit: int) -> None:
        """Make the retriever, with a BM25 index beside the vectors."""
        assert self._index is not None
        self._found = min(limit * PARTS_OF_A_PAPER, len(self._nodes))
        self._both = QueryFusionRetriever(
            [
                self._index.as_retriever(similarity_top_k=self._found),
                BM25Retriever.from_defaults(nodes=self._nodes, similarity_top_k=self._found),
            ],
            llm=MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=self._found,
            num_queries=1,
            use_async=False,
        )

    def search(self, query: str, limit: int) -> list[str]:
        """The papers of the nodes that the fusion finds."""
        assert self._both is not None
        return first_of_each((found.node.ref_doc_id for found in self._both.retrieve(query)), limit)

    def close(self) -> None:
        """Do nothing: Chroma writes at once."""
