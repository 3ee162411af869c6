"""Call a language model in a process that a test can kill: `calling FOLDER URL SERVER FIRST LAST BUDGET PATIENCE`.

After it has read a line, it makes the calls FIRST to LAST, two at a time, until the day's budget is used up. It prints
when each call begins, and whether its tokens were then counted by the server or estimated. Calls are metered as in the
bot's client; a prompt's tokens are estimated by the server's own rule.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp

from bot.llm.meter import Meter, Payer, Spent
from bot.store import Budgets, Store, StoreMeter

MODEL = "gpt-5.4-mini"
PURPOSES = ("answer", "rewrite", "translation", "digest")
AT_ONCE = 2


def say(what: str, number: int) -> None:
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


def tokens(text: str) -> int:
    return len(text) // 4 + 1


def prompt(number: int) -> str:
    return f"Call {number}. " + "What does it freeze? " * (number % 7)


def payer_of(number: int) -> Payer:
    return Payer(100 + number % 3, 1000 + number % 5)


async def ask(
    http: aiohttp.ClientSession, server: str, number: int, patience: float
) -> tuple[str, dict[str, int] | None]:
    """Collect the text that comes within `patience` seconds, and the server's count of tokens if it sends one."""
    text, usage = "", None
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": prompt(number)}]}
    if number % 2:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    try:
        async with asyncio.timeout(patience), http.post(f"{server}/chat/completions", json=body) as response:
            response.raise_for_status()
            if not number % 2:
                whole = await response.json()
                return whole["choices"][0]["message"]["content"] or "", whole["usage"]
            async for line in response.content:
                said = line.decode().removeprefix("data: ").strip()
                if said and said != "[DONE]":
                    chunk = json.loads(said)
                    usage = chunk.get("usage") or usage
                    text += "".join(each["delta"].get("content") or "" for each in chunk["choices"])
    except (TimeoutError, aiohttp.ClientError):
        pass
    return text, usage


async def call(http: aiohttp.ClientSession, server: str, meter: Meter, number: int, patience: float) -> bool:
    """Make one call, and tell whether the budget allowed it."""
    payer, purpose = payer_of(number), PURPOSES[number % len(PURPOSES)]
    if await meter.exhausted_budget(payer):
        return False
    expected = Spent(purpose, MODEL, tokens(prompt(number)), 0, estimated=True)
    begun = await meter.begin(payer, expected)
    text, usage = await ask(http, server, number, patience)
    read, written = (
        (usage["prompt_tokens"], usage["completion_tokens"])
        if usage
        else (expected.prompt_tokens, tokens(text) if text else 0)
    )
    await meter.record(payer, Spent(purpose, MODEL, read, written, estimated=usage is None), begun)
    say("counted" if usage else "estimated", number)
    return True


async def main() -> None:
    folder, url, server, first, last, budget, patience = sys.argv[1:]
    store = await Store.open(Path(folder), url or None)
    meter = StoreMeter(store.usage, store.notices, Budgets(day=int(budget)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    numbers = iter(range(int(first), int(last) + 1))

    async def work() -> None:
        for number in numbers:
            say("begun", number)
            if not await call(http, server, meter, number, float(patience)):
                return

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
