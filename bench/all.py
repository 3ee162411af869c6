"""Benchmark Footnote against alternatives, and write the section about it in docs/performance.md.

    uv run --group bench python -m bench.all [--eval FOLDER:SPLIT ...] [--papers 150] [--rounds 3] [--soak 7200]

All peers ingest the same papers with the same model, in turn and each in its own process, and then run the same
queries, alternating query by query. Then Footnote alone is measured: its start, its answers next to a bare call of the
same language model (a test server that streams some 150 tokens/s), many concurrent questions, and a soak test.
NumPy has one thread everywhere, as in the bot. Look at the ratios: on a busy machine wall-clock time says little, so
CPU time is given too.

paper-qa and sentence-transformers conflict with the project's lock, so uv installs them on top of its environment;
torch then brings gigabytes of CUDA. `--python sentence-transformers=PATH` uses another interpreter for the peers whose
names start with that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import re
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.comparison import Run, Task, compare, say, scratch
from bench.figures import draw, write_section
from bench.peers.protocol import Text
from bench.peers.registry import PEERS
from bench.questions import counts
from bench.running import ROOT, environment
from retrieval.evaluation import read_dataset
from retrieval.sources.jsonl import read_jsonl
from tests.local_llm import LocalLLM, says, statement, trickles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.local_llm.behaviours import Reply
    from tests.local_llm.reading import Asked

PAUSE = 0.02  # seconds between two pieces of 12 characters
ALWAYS = 1_000_000  # replies


def read_task(folders: Sequence[str], papers: int, queries: int, rounds: int) -> Task:
    """Combine the papers of BEIR folders, and their answerable queries that are not part of a dialogue."""
    texts: list[Text] = []
    asked: list[tuple[str, frozenset[str]]] = []
    for each in folders:
        folder, _, split = each.rpartition(":")
        name = Path(folder).name
        dataset = read_dataset(Path(folder), split)
        texts += [
            Text(f"{name}:{paper.paper_id}", paper.title, paper.abstract)
            for paper in read_jsonl(dataset.corpus, own_ids=True)
        ]
        for query in dataset.queries:
            right = [paper for paper, grade in dataset.qrels.get(query.query_id, {}).items() if grade]
            if right and not query.history:
                asked.append((query.text, frozenset(f"{name}:{paper}" for paper in right)))
    texts = texts[:papers]
    held = {text.text_id for text in texts}
    asked = [(text, right) for text, right in asked if not right.isdisjoint(held)]
    return Task(texts, asked[:queries], rounds)


def opening(asked: Asked) -> Reply:
    """A scripted reply to any prompt: the first sentences of the first two papers."""
    said = [(paper.number, re.split(r"(?<=[.!?])\s", paper.abstract.strip())[0]) for paper in asked.papers[:2]]
    return says(*(statement(sentence, (number, sentence)) for number, sentence in said))(asked)


async def ask(root: Path, task: Task, options: argparse.Namespace) -> tuple[float, list[dict[str, Any]]]:
    """Run `bench.questions` in its own process, on the library of Footnote's peer and a language model server."""
    shutil.copytree(root / "models", root / "footnote" / "models", dirs_exist_ok=True)
    questions = root / "questions.json"
    questions.write_text(json.dumps([query for query, _ in task.queries]), encoding="utf-8")
    told: list[dict[str, Any]] = []
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients that give up are counted elsewhere
    async with LocalLLM(models=["local-model"]) as llm:
        llm.next(trickles(PAUSE, opening), times=ALWAYS)
        began, start = time.perf_counter(), 0.0
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.questions", str(root / "footnote"), str(questions), llm.base_url),
            *("--at-once", ",".join(map(str, options.at_once)), "--soak", str(options.soak)),
            cwd=ROOT,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        async for line in process.stdout:
            told.append(json.loads(line))
            start = start or time.perf_counter() - began
            say(f"answered: {line.decode().strip()[:160]}")
        if await process.wait():
            raise SystemExit("bench.questions ended before its time; its last lines say why.")
    return start, told


def main() -> None:
    """Parse the arguments, measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", action="append", metavar="FOLDER:SPLIT", help="a BEIR folder; may be repeated")
    parser.add_argument("--papers", type=int, default=150, help="the first so many papers of them")
    parser.add_argument("--queries", type=int, default=200, help="at most so many queries")
    parser.add_argument("--rounds", type=int, default=3, help="how often all is taken in")
    parser.add_argument("--peers", default=",".join(PEERS), help="names with commas between")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="an interpreter for a peer")
    parser.add_argument("--at-once", type=counts, default=[10, 100, 500], help="how many questions at once")
    parser.add_argument("--soak", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--doc", type=Path, default=ROOT / "docs" / "performance.md", help="the page to write into")
    options = parser.parse_args()
    names = options.peers.split(",")
    if unknown := [name for name in names if name not in PEERS]:
        raise SystemExit(f"There is no peer {unknown[0]!r}; take some of {', '.join(PEERS)}.")
    task = read_task(
        options.eval or ["tests/eval/seeds-answerable:test"], options.papers, options.queries, options.rounds
    )
    before = os.getloadavg()[0]
    with scratch() as folder:
        root = Path(folder)
        peers = compare(names, task, root, dict(each.split("=", 1) for each in options.python))
        start, told = asyncio.run(ask(root, task, options)) if "footnote" in names else (0.0, [])
    command = shlex.join(["uv", "run", "--group", "bench", "python", "-m", "bench.all", *shown(sys.argv[1:])])
    run = Run(command, task, (before, os.getloadavg()[0]), peers, told, start)
    write_section(run, options.doc)
    picture = options.doc.parent / "pictures" / "peers.svg"
    picture.parent.mkdir(exist_ok=True)
    picture.write_text(draw(run), encoding="utf-8")


def shown(arguments: Sequence[str]) -> list[str]:
    """The arguments, without local folders."""
    return [
        "=".join([*each.split("=")[:-1], Path(each.split("=")[-1]).name]) if "/" in each else each for each in arguments
    ]


if __name__ == "__main__":
    main()
