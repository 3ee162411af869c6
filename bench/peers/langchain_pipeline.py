"""LangChain with Chroma and BM25: the ensemble retriever of its documentation, over the splitter of its tutorial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_chroma import Chroma
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bench.peers.model import Model
from bench.peers.protocol import QUERY_MODEL, first_of_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers.protocol import Parts, Text

PARTS_OF_A_PAPER = 3  # retrieved per paper wanted, as several may come from one paper


class OnnxEmbeddings(Embeddings):
    """LangChain's embedder, with the model that all peers share."""

    def __init__(self, model: Model, parts: Parts) -> None:
        self._model = model
        self._parts = parts

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed documents."""
        return [row.tolist() for row in self._model.encode(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a query."""
        with self._parts.part(QUERY_MODEL):
            return [float(value) for value in self._model.encode([text])[0]]


class Peer:
    """Fuse Chroma's and BM25's rankings by reciprocal ranks."""

    def __init__(self, folder: Path, cache: Path, parts: Parts) -> None:
        embeddings = OnnxEmbeddings(Model(cache), parts)
        self._store = Chroma("papers", embeddings, persist_directory=str(folder / "chroma"))
        self._words = None

    def ingest(self, texts: Sequence[Text]) -> None:
        """Split, embed and store; BM25 is counted over all of it in memory."""
        whole = [Document(text.whole, metadata={"paper": text.text_id}) for text in texts]
        split = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(whole)
        self._store.add_documents(split)
        self._words = BM25Retriever.from_documents(split)

    def search(self, query: str, limit: int) -> list[str]:
        """The papers of the parts that the ensemble finds."""
        assert self._words is not None
        self._words.k = limit * PARTS_OF_A_PAPER
        nearest = self._store.as_retriever(search_kwargs={"k": limit * PARTS_OF_A_PAPER})
        both = EnsembleRetriever(retrievers=[self._words, nearest], weights=[0.5, 0.5])
        return first_of_each((found.metadata["paper"] for found in both.invoke(query)), limit)

    def close(self) -> None:
        """Do nothing: Chroma writes at once."""
