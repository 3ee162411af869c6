"""Compare the store's token counts with the server's own, while processes call, fail and are killed.

The processes are real ones and are ended by SIGKILL; the server is the local one, with its own count.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.store.ledger import NOBODY
from tests.bot.store import calling
from tests.bot.store.conftest import Place, make_place
from tests.local_llm import LocalLLM, cut, fails, honest, silent, trickles
from tests.local_llm.behaviours import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local_llm.behaviours import Behaviour, Outcome
    from tests.local_llm.reading import Asked
ROOT = Path(__file__).parents[3]
CALLS = 200
KILLS = 4
PATIENCE = 0.3  # seconds to wait for a reply, some of which never come


@dataclass(frozen=True)
class Counted:
    """What the server counted for one call."""

    number: int
    read: int
    written: int


class CountingLLM(LocalLLM):
    """The local server, with its own count of the calls that it answered."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[Counted] = []

    def _take(self, route: str) -> Behaviour:
        behaviour = super()._take(route)

        def counting(asked: Asked) -> Outcome:
            outcome = behaviour(asked)
            said = asked.messages[0]["content"]
            written = calling.tokens(outcome.text) if isinstance(outcome, Reply) else 0
            number = int(said.split()[1].rstrip("."))
            self.counted.append(Counted(number, calling.tokens(said), written))
            return outcome

        return counting


# The ledger's own tests run on both databases anyway; these take a minute on each.
@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def place(request: pytest.FixtureRequest, tmp_path: Path, tables: bool) -> AsyncIterator[Place]:
    async with make_place(request, tmp_path, tables=tables) as place:
        yield place


@asynccontextmanager
async def caller(
    place: Place, llm: LocalLLM, first: int, last: int, *, budget: int = 0, patience: float = 60
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a process that makes its calls after `go`, within a budget, and waits `patience` seconds for each."""
    arguments = (place.data_dir, place.url or "", llm.base_url, first, last, budget, patience)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bot.store.calling", *map(str, arguments)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def go(process: asyncio.subprocess.Process) -> None:
    assert process.stdin
    process.stdin.write(b"\n")


@dataclass
class Said:
    """What processes printed: which calls they began, and which were counted by the server or estimated."""

    begun: list[int] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)
    estimated: list[int] = field(default_factory=list)

    def hear(self, lines: bytes) -> None:
        for line in lines.decode().splitlines():
            kind, number = line.split()
            getattr(self, kind).append(int(number))


async def finished(process: asyncio.subprocess.Process) -> Said:
    """Let a process make all of its calls, and collect what it printed."""
    said = Said()
    go(process)
    out, _ = await process.communicate()
    assert process.returncode == 0
    said.hear(out)
    return said


async def footnote_usage(place: Place) -> dict[str, Any]:
    """Run `footnote usage --json`, and read what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "--data-dir", str(place.data_dir), "usage", "--since", "2026-01-01", "--json"),
        cwd=place.data_dir,
        env=os.environ | {"FOOTNOTE_DATABASE_URL": place.url or "", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found: dict[str, Any] = json.loads(out)
    return found


def mixed(seed: int) -> list[Behaviour]:
    """Draw how the server answers each call: mostly well, sometimes slowly, not to the end, or not at all."""
    kinds: list[tuple[Behaviour, int]] = [
        (honest, 60),
        (trickles(0.005), 20),
        (fails(500), 8),
        (cut(0.5), 6),
        (cut(0.4, stalls=True), 3),
        (silent, 3),
    ]
    draw = random.Random(seed)
    return draw.choices([kind for kind, _ in kinds], weights=[weight for _, weight in kinds], k=CALLS)


async def run_with_kills(place: Place, llm: CountingLLM, first: int, last: int, kills: int) -> Said:
    """Make the calls `first` to `last` in one process after another, and kill all but the last process."""
    draw = random.Random(first)
    said = Said()
    for _ in range(kills):
        async with caller(place, llm, first, last, patience=PATIENCE) as process:
            assert process.stdout
            go(process)
            for _ in range(draw.randrange(3, 24)):
                said.hear(await process.stdout.readline())
            await asyncio.sleep(draw.random() * 0.05)
            process.kill()
            said.hear(await process.stdout.read())
            await process.wait()
        first = said.begun[-1] + 1
    async with caller(place, llm, first, last, patience=PATIENCE) as process:
        rest = await finished(process)
    return Said(said.begun + rest.begun, said.counted + rest.counted, said.estimated + rest.estimated)


async def test_two_hundred_mixed_calls_with_kills_agree_with_the_servers_own_count(place: Place) -> None:
    await (await place.open()).close()
    async with CountingLLM() as llm:
        llm.next(*mixed(4))
        one, other = await asyncio.gather(
            run_with_kills(place, llm, 1, CALLS // 2, KILLS // 2),
            run_with_kills(place, llm, CALLS // 2 + 1, CALLS, KILLS // 2),
        )
        total = (await footnote_usage(place))["total"]
    counted, estimated = {*one.counted, *other.counted}, {*one.estimated, *other.estimated}
    killed = {*range(1, CALLS + 1)} - counted - estimated
    assert 0 < len(killed) <= KILLS * calling.AT_ONCE
    assert estimated
    # Some of the calls that a kill ended had not been sent yet.
    unsent = killed - {each.number for each in llm.counted}
    assert len(llm.counted) == CALLS - len(unsent)
    assert len(llm.counted) <= total["calls"] <= CALLS
    assert len(estimated) <= total["estimated_calls"] <= len(estimated | killed)
    read = sum(each.read for each in llm.counted)
    assert read <= total["prompt_tokens"] <= read + sum(calling.tokens(calling.prompt(each)) for each in unsent)
    # Of a call that was cut off or killed, nobody received everything that the server wrote.
    heard = sum(each.written for each in llm.counted if each.number in counted)
    assert heard < total["completion_tokens"] <= sum(each.written for each in llm.counted) + len(estimated)


async def test_without_kills_and_failures_every_token_agrees(place: Place) -> None:
    async with CountingLLM() as llm:
        async with caller(place, llm, 1, 20) as one, caller(place, llm, 21, 40) as other:
            await asyncio.gather(finished(one), finished(other))
        found = await footnote_usage(place)
    total = found["total"]
    assert (total["calls"], total["estimated_calls"]) == (40, 0)
    assert total["prompt_tokens"] == sum(each.read for each in llm.counted)
    assert total["completion_tokens"] == sum(each.written for each in llm.counted)
    assert {row["purpose"]: row["calls"] for row in found["rows"]} == dict.fromkeys(calling.PURPOSES, 10)


async def test_a_budget_holds_across_two_processes_but_for_the_calls_in_flight(place: Place) -> None:
    budget = 600
    await (await place.open()).close()
    async with CountingLLM() as llm:
        llm.next(trickles(0.002), times=400)
        async with (
            caller(place, llm, 1, 200, budget=budget) as one,
            caller(place, llm, 201, 400, budget=budget) as other,
        ):
            said = await asyncio.gather(finished(one), finished(other))
        assert all(5 < len(each.begun) < 200 for each in said)
        taken = [each.read + each.written for each in llm.counted]
        assert budget <= sum(taken) < budget + 2 * calling.AT_ONCE * max(taken)
    store = await place.open()
    assert await store.notices.untold(datetime.now(UTC).date()) == [NOBODY]
    await store.close()
