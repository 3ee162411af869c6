"""Compare `footnote usage` with a server's own token counts, over 200 mixed calls of the client, with kills.

    uv run python bench/usage_of_client.py [DATABASE_URL]

The server answers well, slowly, partly, with errors or not at all. Processes that call it are killed at random, and the
next one continues. The circuit breaker is disabled, because it would skip most of the calls. The output goes to
docs/operating.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local_llm.behaviours import Reply


import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bot.llm.address import Address
from bot.llm.client import REST, LanguageModel
from bot.llm.message import Prompt
from bot.llm.meter import Payer, paid_by
from bot.store import Budgets, Store, StoreMeter
from storage.breaker import Breaker
from tests.local_llm import LocalLLM, cut, fails, server, silent, trickles, writes

CALLS = 200
KILLS = 8
TIMEOUT = timedelta(seconds=2)
PURPOSES = ("answer", "rewrite", "translation", "digest")
GOOD = writes(json.dumps({"text": "Rivers freeze from their banks."}))
KINDS = [
    (GOOD, 60),
    (trickles(0.005, GOOD), 20),
    (fails(503), 8),
    (cut(0.5), 6),
    (cut(0.4, stalls=True), 3),
    (silent, 3),
]


class Form(BaseModel):
    """What the model fills in."""

    text: str


class CountingLLM(LocalLLM):
    """A server that records its own token counts of each request, by call number."""

    def __init__(self) -> None:
        super().__init__(models=["counted"])
        self.counted: dict[int, list[dict[str, int]]] = {}
        count = server._usage  # noqa: SLF001 - the server's own rule

        def counting(body: dict[str, Any], reply: Reply) -> dict[str, int]:
            found = count(body, reply)
            self.counted.setdefault(int(body["messages"][-1]["content"].split()[1]), []).append(found)
            return found

        server._usage = counting  # noqa: SLF001


async def call(folder: str, url: str, address: str, first: int) -> None:
    """Make the calls from number `first` on, and print when each begins and what the client counted for it."""
    store = await Store.open(Path(folder), url or None)
    meter = StoreMeter(store.usage, store.notices, Budgets())
    model = LanguageModel(name="counted", address=Address.read(address), timeout=TIMEOUT, meter=meter)
    for number in range(first, CALLS + 1):
        model.breaker = Breaker(REST)
        print(json.dumps({"begun": number}), flush=True)
        prompt = Prompt(PURPOSES[number % len(PURPOSES)], "Say what freezes.", Form)
        with paid_by(Payer(100 + number % 3, 1000 + number % 5)):
            _, usage = await model.fill(prompt, f"Call {number} " + "and what does it freeze? " * (number % 7))
        if usage:
            taken = {"read": usage.prompt_tokens, "written": usage.completion_tokens, "estimated": usage.estimated}
            print(json.dumps({"over": number, **taken}), flush=True)
    await model.aclose()
    await store.close()


async def run(folder: str, url: str, address: str, first: int, lines: int | None) -> list[dict[str, Any]]:
    """Run a calling process, and kill it after `lines` lines; returns the lines it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "call", folder, url, address, str(first)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    said = []
    while line := await process.stdout.readline():
        said.append(json.loads(line))
        if lines is not None and len(said) >= lines:
            await asyncio.sleep(random.random() * 0.03)
            process.kill()
            lines = None
    await process.wait()
    return said


async def main(url: str) -> None:
    """Call, kill, and compare."""
    random.seed(4)
    with tempfile.TemporaryDirectory() as folder:
        await (await Store.open(Path(folder), url or None)).close()
        async with CountingLLM() as llm:
            llm.next(*random.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS], k=4 * CALLS))
            said: list[dict[str, Any]] = []
            for kill in range(KILLS + 1):
                first = max((each["begun"] for each in said if "begun" in each), default=0) + 1
                lines = random.randrange(15, 45) if kill < KILLS else None
                said += await run(folder, url, llm.base_url, first, lines)
            requests, counted = len(llm.chats), llm.counted
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "--data-dir", folder, "usage", "--since", "2026-01-01", "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        total = json.loads((await process.communicate())[0])["total"]
    exact = [each for each in said if each.get("estimated") is False]
    print(f"calls begun {CALLS}, requests at the server {requests}, in `footnote usage` {total['calls']}")
    print(f"counted by the server to their end: {len(exact)} calls; estimated: {total['estimated_calls']}")
    print(f"of those counted, client and server: read {sum(each['read'] for each in exact)} and", end=" ")
    print(sum(each["prompt_tokens"] for one in exact for each in counted.get(one["over"], [])[-1:]), end="; ")
    print(f"written {sum(each['written'] for each in exact)} and", end=" ")
    print(sum(each["completion_tokens"] for one in exact for each in counted.get(one["over"], [])[-1:]))
    everything = [each for some in counted.values() for each in some]
    print(f"of all, usage and server: read {total['prompt_tokens']} and", end=" ")
    print(sum(each["prompt_tokens"] for each in everything), end="; ")
    print(f"written {total['completion_tokens']} and {sum(each['completion_tokens'] for each in everything)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["call"]:
        folder, url, address, first = sys.argv[2:]
        asyncio.run(call(folder, url, address, int(first)))
    else:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
