"""Run one peer in its own process, which reads and writes one JSON object per line; `bench.peers.process` starts it.

python -m bench.peers.worker NAME FOLDER CACHE
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers.protocol import Parts, Spent, Text
from bench.peers.registry import make

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers.protocol import Peer


def main() -> None:
    """Load the peer, report that, and carry out one order per line until the input ends."""
    name, folder, cache = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # libraries may print anything; the original stdout is for answers alone
    parts = Parts()
    peer, spent = timed(lambda: make(name, Path(folder), Path(cache), parts))
    print(json.dumps(report(parts, spent)), file=answers)
    for line in sys.stdin:
        parts.spent.clear()
        order = json.loads(line)
        result, spent = timed(lambda order=order: follow(peer, order))  # type: ignore[misc]
        print(json.dumps({"result": result} | report(parts, spent)), file=answers)


def follow(peer: Peer, order: dict[str, Any]) -> list[str] | None:
    """Carry out an order."""
    match order["do"]:
        case "ingest":
            peer.ingest([Text(*each) for each in order["texts"]])
        case "search":
            return peer.search(order["query"], order["limit"])
        case _:
            peer.close()
    return None


def timed(work: Callable[[], Any]) -> tuple[Any, Spent]:
    """Run some work; returns its result and its time, including that of child processes that have ended."""
    passed, processors = time.perf_counter(), processor_seconds()
    result = work()
    return result, Spent(time.perf_counter() - passed, processor_seconds() - processors)


def processor_seconds() -> float:
    """CPU seconds of this process and its ended children."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def report(parts: Parts, spent: Spent) -> dict[str, Any]:
    """The time of the work and its parts, and the current and peak memory of the process in MB."""
    return {
        "spent": asdict(spent),
        "parts": {name: asdict(each) for name, each in parts.spent.items()},
        "memory": memory(),
    }


def memory() -> dict[str, float]:
    """Current and peak resident memory in MB; Linux only."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return {"now": int(status["VmRSS"].split()[0]) / 1000, "most": int(status["VmHWM"].split()[0]) / 1000}


if __name__ == "__main__":
    main()
