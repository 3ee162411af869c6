"""Print what `footnote doctor` reports for language model servers, as their documentation describes them.

    uv run python bench/doctor_of_servers.py

The lines are for docs/language-models.md and docs/recipes. A local server on 127.0.0.1 plays each of them, with a model
that answers well.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from bot.preflight import run_checks
from bot.settings import Settings
from tests.local_llm import fills, served

GERMAN = "Am Tag überstrahlt das gestreute Licht der Sonne die Sterne, die erst in der Dunkelheit zu sehen sind."
SERVERS = {
    "llama.cpp": served.llama_cpp(),
    "Ollama": served.ollama(context_length=8192),
    "Ollama, left as it is": served.ollama(),
    "vLLM": served.vllm(),
    "LM Studio": served.lm_studio("qwen3-8b", 8192),
    "LM Studio, left as it is": served.lm_studio("qwen3-8b", 4096),
    "OpenRouter": served.open_router("openai/gpt-5.4-mini", 400000),
}


async def main() -> None:
    """Ask each server as doctor does."""
    for name, llm in SERVERS.items():
        async with llm:
            llm.next(fills(GERMAN), times=10)
            os.environ["FOOTNOTE_LLM__BASE_URL"] = llm.base_url
            os.environ["FOOTNOTE_LLM__API_KEY"] = "sk-or" if name == "OpenRouter" else "token-abc123"
            os.environ["FOOTNOTE_LLM__MODEL"] = "openai/gpt-5.4-mini" if name == "OpenRouter" else ""
            with tempfile.TemporaryDirectory() as folder:
                print(name)
                async for finding in run_checks(lambda: Settings.load(data_dir=Path(folder))):
                    if finding.part in {"language model", "what it can do"}:
                        mark = {True: "✓", False: "✗", None: "–"}[finding.ok]
                        print(f"{mark} {finding.part}: {finding.sentence}")


if __name__ == "__main__":
    asyncio.run(main())
