"""Have all peers take in the same papers and search them, in turn, and hold what each took and found."""

from __future__ import annotations

import itertools
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
import numpy as np

from bench.peers.model import Model
from bench.peers.process import PeerFailedError, PeerProcess
from bench.peers.protocol import QUERY_MODEL, Spent, Text
from bench.peers.registry import PEERS
from retrieval.chunker import chunk
from retrieval.embedding.local import LocalEmbedder
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.peers.process import Done

LIMIT = 10
FIRST = 5  # papers that somebody looks at
WARM_UP = 5  # queries that are not counted


@dataclass(frozen=True, slots=True)
class Task:
    """Hold the papers, the queries with the papers that are right for each, and how often all is taken in."""

    papers: Sequence[Text]
    queries: Sequence[tuple[str, frozenset[str]]]
    rounds: int


@dataclass(slots=True)
class Measured:
    """Hold what one peer did.

    Attributes:
        start: importing its libraries and loading the model.
        ingests: one for each round.
        searches: one for each query, with what each took.
        right: for each query, whether a right paper was among the first.
        recall: share of the nearest vectors that its Chroma found; None where it has none on disk.
        trouble: what it said when it failed.
    """

    start: Done | None = None
    ingests: list[Done] = field(default_factory=list)
    searches: list[Done] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    recall: float | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a whole run measured, and under what.

    Attributes:
        load: the machine's load before and after.
        questions: what `bench.questions` printed.
        start: seconds from the start of its process to its first answer.
    """

    command: str
    task: Task
    load: tuple[float, float]
    peers: dict[str, Measured]
    questions: list[dict[str, Any]]
    start: float


def compare(names: Sequence[str], task: Task, root: Path, pythons: Mapping[str, str]) -> dict[str, Measured]:
    """Measure peers by name, in a folder that keeps the last round's indexes under their names."""
    cache = root / "models"
    model = Model(cache)
    given = {"papers": task.papers} | chunks_of(task.papers, cache)
    found = {name: Measured() for name in names}
    for at in range(task.rounds):
        last = at == task.rounds - 1
        with ExitStack() as stack:
            running = {}
            order = names if at % 2 == 0 else list(reversed(names))
            for name in order:
                measured = found[name]
                if measured.trouble:
                    continue
                try:
                    folder = root / name if last else Path(stack.enter_context(scratch())) / name
                    peer = stack.enter_context(PeerProcess(name, folder, cache, python_of(name, pythons)))
                    measured.start = peer.start
                    measured.ingests.append(peer.ingest(given[PEERS[name].given]))
                except (PeerFailedError, OSError) as error:
                    measured.trouble = str(error)
                    continue
                say(f"round {at + 1}: {name} took {measured.ingests[-1].spent.processors:.1f} s of the processors")
                if last and PEERS[name].searches:
                    running[name] = peer
            if last:
                search(running, task, found)
    vectors = model.encode([query for query, _ in task.queries])
    for name in names:
        found[name].recall = recall(root / name / "chroma", vectors)
    return found


def search(running: Mapping[str, PeerProcess], task: Task, found: Mapping[str, Measured]) -> None:
    """Ask each query of each peer, query by query, each time another peer first."""
    for name, peer in running.items():
        for query, _ in task.queries[:WARM_UP]:
            peer.search(f"{query} again", LIMIT)
        say(f"{name} is warm")
    for at, (query, right) in enumerate(task.queries):
        names = list(running)
        turn = at % len(names)
        for name in names[turn:] + names[:turn]:
            done = running[name].search(query, LIMIT)
            found[name].searches.append(done)
            found[name].right.append(not right.isdisjoint(done.found[:FIRST]))


def chunks_of(papers: Sequence[Text], cache: Path) -> dict[str, list[Text]]:
    """Return the windows that Footnote cuts papers into, and these with their sentences, as texts of their own."""
    embedder = LocalEmbedder(cache_dir=cache)
    made = (chunk(Paper(each.text_id, each.title, each.body, "bench"), embedder) for each in papers)
    parts = list(itertools.chain.from_iterable(made))
    windows = [Text(part.chunk_id, "", part.text) for part in parts]
    sentences = [Text(f"{part.chunk_id}#{each.start}", "", each.text) for part in parts for each in part.sentences]
    return {"windows": windows, "chunks": windows + sentences}


def recall(folder: Path, queries: np.ndarray) -> float | None:
    """Return how much of the exact nearest ten a Chroma folder's index finds, over all queries."""
    if not folder.exists():
        return None
    collection = chromadb.PersistentClient(str(folder)).list_collections()[0]
    stored = collection.get(include=["embeddings"])
    vectors = np.asarray(stored["embeddings"], np.float32)
    limit = min(LIMIT, len(vectors))
    shares = []
    for query in queries:
        found = collection.query(query_embeddings=[query], n_results=limit, include=[])["ids"][0]
        exact = np.argsort(-(vectors @ query), kind="stable")[:limit]
        shares.append(len(set(found) & {stored["ids"][at] for at in exact}) / limit)
    return float(np.mean(shares)) if shares else None


def without_model(done: Done) -> Spent:
    """Return what a search took beside the embedding of its query."""
    model = done.parts.get(QUERY_MODEL, Spent())
    return Spent(done.spent.passed - model.passed, done.spent.processors - model.processors)


def python_of(name: str, pythons: Mapping[str, str]) -> str | None:
    """Return the interpreter that was named for a peer, by the beginning of its name."""
    return next((python for beginning, python in pythons.items() if name.startswith(beginning)), None)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is thrown away."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def say(line: str) -> None:
    """Say how far it has come."""
    print(line, file=sys.stderr, flush=True)
