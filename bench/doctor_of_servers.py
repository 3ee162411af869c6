"""Print what `footnote doctor` says of servers that tell of themselves as their documentation shows.

    uv run python bench/doctor_of_servers.py

The lines go to docs/language-models.md; a local server on 127.0.0.1 plays each of them, and its model answers well.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from bot.preflight import examine
from bot.settings import Settings
from tests.local_llm import fills, served

GERMAN = "Am Tag überstrahlt das gestreute Licht der Sonne die Sterne, die erst in der Dunkelheit zu sehen sind."
SERVERS = {
    "llama.cpp": served.llama_cpp(),
    "Ollama": served.ollama(context_length=8192),
    "Ollama, left as it is": served.ollama(),
    "vLLM": served.vllm(),
}


async def main() -> None:
    """Ask each server as doctor does."""
    for name, llm in SERVERS.items():
        async with llm:
            llm.next(fills(GERMAN), times=10)
            os.environ["FOOTNOTE_LLM__BASE_URL"] = llm.base_url
            os.environ["FOOTNOTE_LLM__API_KEY"] = "token-abc123"
            with tempfile.TemporaryDirectory() as folder:
                print(name)
                async for finding in examine(lambda: Settings.load(data_dir=Path(folder))):
                    if finding.part in {"language model", "what it can do"}:
                        mark = {True: "✓", False: "✗", None: "–"}[finding.ok]
                        print(f"{mark} {finding.part}: {finding.sentence}")


if __name__ == "__main__":
    asyncio.run(main())
