"""Measure the memory of a ready bot over the shipped papers, in total and by part.

    uv run python -m bench.bot_memory [DATA_DIR]

The bot is started as a user would, connects to a local Discord, and is measured 10 s after it is ready, and again after
some questions. "Of its own" counts private memory only; "resident" also counts mapped file pages, which the system can
reclaim. Linux only.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench.running import start_bot
from bot.factory import open_library, prepare_library
from bot.settings import Settings
from tests.local_discord import LocalDiscord

PATIENCE: Final = timedelta(minutes=10)  # on a machine that others use
SETTLED: Final = 10.0
QUESTIONS: Final = (
    "does a better one-step likelihood give you a better controller?",
    "which papers train robots with language corrections?",
    "how are large language models aligned with human feedback?",
)
PARTS: Final = {  # by a piece of the path of a mapped file
    "onnxruntime": "onnxruntime",
    "Chroma": "chromadb_rust_bindings",
    "tantivy": "tantivy",
    "model": ".onnx",
    "catalogue": "footnote.db",
    "NumPy": "numpy",
}
_MAPPING: Final = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")


def held(pid: int) -> dict[str, int]:
    """The memory of a process in MB: resident, and private."""
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    return {"resident": int(fields["Rss"]) // 1000, "of its own": int(fields["Anonymous"]) // 1000}


def parts(pid: int) -> Counter[str]:
    """Resident kB by part: by mapped file, and "heap" for the rest."""
    counted: Counter[str] = Counter()
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if found := _MAPPING.match(line):
            path = found[1]
            files = (part for part, piece in PARTS.items() if piece in path)
            name = next(files, "other files") if path.startswith("/") else "heap"
        elif line.startswith("Rss:"):
            counted[name] += int(line.split()[1])
    return counted


async def main(data_dir: Path) -> None:
    """Ingest the papers if there are none, start the bot, and measure it."""
    async with open_library(Settings.load(data_dir=data_dir)) as library:
        await prepare_library(library)
    async with LocalDiscord(patience=PATIENCE) as server:
        guild = server.guild("Readers")
        asker, channel = guild.member("Ada"), guild.channel("papers")
        process = await start_bot(server, data_dir)
        try:
            await server.ready()
            await asyncio.sleep(SETTLED)
            tell("ready", process.pid)
            for question in QUESTIONS:
                asked = await asker.uses_command(channel, "ask", question=question)
                await asked.finished(lambda message: bool(message.text))
            tell(f"after {len(QUESTIONS)} questions", process.pid)
        finally:
            process.terminate()
            await process.wait()


def tell(when: str, pid: int) -> None:
    """Print the memory of the process."""
    of_it = ", ".join(f"{part} {size // 1000}" for part, size in parts(pid).most_common())
    print(f"{when}, MB: {held(pid)}; resident: {of_it}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)))
