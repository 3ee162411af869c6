"""Measure the CPU time that commands take to start, compared to the imports that they need.

    uv run python bench/start.py [DATA_DIR] [--rounds 5]

Every command runs once before it counts, so that files are cached and compiled. The commands alternate, and the minimum
over the rounds counts, because other load on the machine only ever adds to it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.running import environment

FOOTNOTE: Final = (sys.executable, "-m", "bot")
ASKED: Final = "does a better one-step likelihood give you a better controller?"


def spent(command: tuple[str, ...]) -> float:
    """The CPU time of a command, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(data_dir: Path, rounds: int) -> None:
    """Measure in turn, and print the ratios."""
    at = ("--data-dir", str(data_dir))
    subprocess.run((*FOOTNOTE, "ingest", "seeds", *at), check=True, capture_output=True, env=environment())
    commands = {
        "import typer": (sys.executable, "-c", "import typer"),
        "footnote --help": (*FOOTNOTE, "--help"),
        "import chromadb": (sys.executable, "-c", "import chromadb"),
        "footnote search": (*FOOTNOTE, "search", "objective mismatch", *at),
        "footnote ask": (*FOOTNOTE, "ask", ASKED, *at),
    }
    for command in commands.values():
        spent(command)
    least = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for name, command in commands.items():
            least[name] = min(least[name], spent(command))
    print("| command | ms of the processors | over |\n| --- | --- | --- |")
    for name, seconds in least.items():
        beside = "import typer" if name in {"import typer", "footnote --help"} else "import chromadb"
        print(f"| `{name}` | {seconds * 1000:.0f} | {seconds / least[beside]:.2f} × `{beside}` |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(options.data_dir or Path(folder), options.rounds)
