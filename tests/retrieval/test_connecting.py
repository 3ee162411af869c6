"""A database whose users are cancelled, in whatever they are doing, holds nobody up."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Tasks are cancelled in mid-transaction, and once more while their connections are being closed; then the loop ends.
PROGRAM = """
import asyncio, random, sys
import sqlalchemy as sa
from retrieval.connecting import connect

async def use(engine):
    async with engine.begin() as connection:
        for _ in range(50):
            await connection.execute(sa.text("SELECT 1"))

async def leave(seed):
    chance = random.Random(seed)
    engine = connect("sqlite+aiosqlite:///" + sys.argv[1])
    tasks = [asyncio.create_task(use(engine)) for _ in range(4)]
    await asyncio.sleep(chance.random() * 0.02)
    for task in tasks:
        task.cancel()
    for _ in range(chance.randrange(3)):
        await asyncio.sleep(0)

for seed in range(100):
    asyncio.run(leave(seed))
"""


async def test_a_loop_ends_though_its_transactions_were_cancelled_twice(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(tmp_path / "some.db")), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), 10)
