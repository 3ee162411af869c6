"""Start a peer in a process of its own, in an environment that has what it needs, and give it orders."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.peers.protocol import Spent
from bench.peers.registry import PEERS
from bench.running import ROOT, environment
from retrieval.embedding.local import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from bench.peers.protocol import Text


class PeerFailedError(Exception):
    """A peer ended or could not be started; the message has the last line that it wrote."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of an order: the ids found, its time in total and by part, and the process's memory in MB."""

    found: list[str]
    spent: Spent
    parts: Mapping[str, Spent]
    memory: Mapping[str, float]


class PeerProcess:
    """A peer that waits for orders.

    Attributes:
        start: what importing its libraries and loading the model took.
    """

    def __init__(self, name: str, folder: Path, cache: Path, python: str | None = None) -> None:
        """Start a peer; `python` names an interpreter that has what it needs beside the project's environment."""
        folder.mkdir(parents=True)
        self._log = (folder / "log").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [*interpreter(name, python), "-m", "bench.peers.worker", name, str(folder), str(cache)],
            cwd=ROOT,
            env=environment() | {"ANONYMIZED_TELEMETRY": "False", "BENCH_WEIGHTS": weights(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        self.start = self._answer()

    def ingest(self, texts: Sequence[Text]) -> Done:
        """Ingest texts."""
        return self._order(do="ingest", texts=[(text.text_id, text.title, text.body) for text in texts])

    def search(self, query: str, limit: int) -> Done:
        """Run a search."""
        return self._order(do="search", query=query, limit=limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(PeerFailedError):  # the failed order has raised it already
            if kind is None:
                self._order(do="close")
        self.end()

    def end(self) -> None:
        """Close its pipes, which makes it end."""
        if self._log.closed:
            return
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _order(self, **order: object) -> Done:
        assert self._process.stdin
        if self._process.stdin.closed:
            raise PeerFailedError("it has ended")
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        return self._answer()

    def _answer(self) -> Done:
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise self._failure()
        answer = json.loads(line)
        parts = {name: Spent(**each) for name, each in answer["parts"].items()}
        return Done(answer.get("result") or [], Spent(**answer["spent"]), parts, answer["memory"])

    def _failure(self) -> PeerFailedError:
        self._process.wait()
        self._log.seek(0)
        lines = [line for line in self._log.read().splitlines() if line.strip()]
        self.end()
        return PeerFailedError(lines[-1] if lines else f"it ended with {self._process.returncode}")


def interpreter(name: str, python: str | None) -> list[str]:
    """The command of a Python with a peer's requirements: this one, the given one, or one that uv prepares."""
    beside = PEERS[name].beside
    if not beside:
        return [sys.executable]
    if python:
        return [python]
    return ["uv", "run", "--quiet", *(part for each in beside for part in ("--with", each)), "python"]


def weights() -> str:
    """The folder of the model's files in the project's environment."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            return str(Path(spec.submodule_search_locations[0]) / "model")
    raise PeerFailedError("The embedding model is not installed; run uv sync.")
