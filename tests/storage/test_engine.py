"""A database whose users are cancelled, whatever they are doing, does not block anybody else."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from retrieval.catalogue.catalogue import Catalogue
from storage.engine import create_engine
from storage.errors import BadInputError, DatabaseAwayError

if TYPE_CHECKING:
    from pathlib import Path

# Tasks are cancelled in mid-transaction, and again while their connections are being closed; then the loop ends.
PROGRAM = """
import asyncio, random, sys
import sqlalchemy as sa
from storage.engine import create_engine

async def use(engine):
    async with engine.begin() as connection:
        for _ in range(50):
            await connection.execute(sa.text("SELECT 1"))

async def leave(seed):
    chance = random.Random(seed)
    engine = create_engine("sqlite+aiosqlite:///" + sys.argv[1])
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


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "mysql://me:hunter2@host/x",
        "postgresql://me:hunter2@host:port/x",
        "sqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///some.db?mode=hunter2",
    ],
)
def test_a_url_of_no_database_is_a_sentence_without_its_password(url: str) -> None:
    with pytest.raises(BadInputError, match="FOOTNOTE_DATABASE_URL") as caught:
        create_engine(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("option", ["", "?sslmode=require"])
async def test_a_server_that_is_away_is_not_to_be_restored_from_a_backup(option: str) -> None:
    with pytest.raises(DatabaseAwayError, match=r"FOOTNOTE_DATABASE_URL\.$") as caught:
        await Catalogue.open(f"postgresql://me:hunter2@127.0.0.1:1/x{option}")
    assert "backup" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
