"""Run all peers in turn on the same papers and queries, and record times and results."""

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
from retrieval.embedding.local import LocalEmbedder
from retrieval.index.chunker import chunk
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.peers.process import Done

LIMIT = 10
FIRST = 5  # papers that a user looks at
WARM_UP = 5  # queries that are not counted


@dataclass(frozen=True, slots=True)
class Task:
    """The papers, the queries with their relevant papers, and the number of ingest rounds."""

    papers: Sequence[Text]
    queries: Sequence[tuple[str, frozenset[str]]]
    rounds: int


@dataclass(slots=True)
class Measured:
    """The measurements of one peer.

    Attributes:
        start: importing its libraries and loading the model.
        ingests: one for each round.
        searches: one for each query, with its times.
        right: for each query, whether a relevant paper was among the first.
        recall: share of the nearest vectors that its Chroma finds; None if it has none on disk.
        trouble: its error message if it failed.
    """

    start: Done | None = None
    ingests: list[Done] = field(default_factory=list)
    searches: list[Done] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    recall: float | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The measurements of a whole run, and its conditions.

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
    """Measure peers by name; the last round's indexes stay in `root`, under their names."""
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
    """Run each query on every peer, query by query, with a different peer first each time."""
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
    """Footnote's windows of the papers, and its windows plus sentences, as texts."""
    embedder = LocalEmbedder(cache_dir=cache)
    made = (chunk(Paper(each.text_id, each.title, each.body, "bench"), embedder) for each in papers)
    parts = list(itertools.chain.from_iterable(made))
    windows = [Text(part.chunk_id, "", part.text) for part in parts]
    sentences = [Text(f"{part.chunk_id}#{each.start}", "", each.text) for part in parts for each in part.sentences]
    return {"windows": windows, "chunks": windows + sentences}


def recall(folder: Path, queries: np.ndarray) -> float | None:
    """The share (0..1) of the ten exact nearest neighbours that a Chroma folder's index finds."""
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
    """The time of a search without the embedding of its query."""
    model = done.parts.get(QUERY_MODEL, Spent())
    return Spent(done.spent.passed - model.passed, done.spent.processors - model.processors)


def python_of(name: str, pythons: Mapping[str, str]) -> str | None:
    """The interpreter given for a peer, by a prefix of its name."""
    return next((python for beginning, python in pythons.items() if name.startswith(beginning)), None)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def say(line: str) -> None:
    """Print progress."""
    print(line, file=sys.stderr, flush=True)
