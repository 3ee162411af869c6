"""kill -9 of the real command while it ingests, removes or restores a paper with its full text.

Whichever step it dies at, after the next start catalogue, full text, Chroma and tantivy are as if the work had been
finished, or as if it had never begun.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from retrieval.catalogue.full_text_store import TABLES
from retrieval.catalogue.removal import UNDO
from retrieval.data_dir import CATALOGUE
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.papers import identify
from retrieval.sources import open_source
from tests.fulltext.printing import print_paper
from tests.retrieval.consistency import assert_consistent, held

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PRINTED = print_paper("ledgerlens")
PAPER = identify(PRINTED.title)
INGEST = ("ingest", "paper.pdf")
REMOVE = ("remove", PAPER, "--yes")
RESTORE = ("restore", "--last")

# Runs a command that dies at a call: before it begins, or after it has ended.
DYING = """
import functools, importlib, inspect, os, signal, sys

place, when, *sys.argv[1:] = sys.argv[1:]
module, _, path = place.partition(":")
owner, name = importlib.import_module(module), path
if "." in path:
    part, name = path.split(".")
    owner = getattr(owner, part)
call = getattr(owner, name)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def awaited(*arguments, **named):
    when == "before" and die()
    await call(*arguments, **named)
    die()

def called(*arguments, **named):
    when == "before" and die()
    call(*arguments, **named)
    die()

setattr(owner, name, awaited if inspect.iscoroutinefunction(call) else called)

from bot.__main__ import main
main()
"""

# The command, the call after which it dies, and whether the work then counts as done.
STEPS = [
    (INGEST, "retrieval.catalogue.catalogue:Catalogue.add", True),
    (RESTORE, "retrieval.catalogue.catalogue:Catalogue.restore", True),
]
MORE_STEPS = [
    (INGEST, "retrieval.catalogue.full_text_store:store", False),  # within the transaction
    (INGEST, "retrieval.index.vectors:DenseIndex.upsert", True),
    (INGEST, "retrieval.catalogue.full_text_store:FullTexts.store_windows", True),
    (REMOVE, "retrieval.catalogue.catalogue:Catalogue.remove", True),
    (REMOVE, "retrieval.index.vectors:DenseIndex.delete", True),
    (RESTORE, "retrieval.index.vectors:DenseIndex.upsert", True),
]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, Path]:
    """A data dir for each command to start from: without the paper, with it, and after its removal."""
    folder = tmp_path_factory.mktemp("states")
    (folder / "paper.pdf").write_bytes(PRINTED.data)

    async def make() -> None:
        library = await Library.open(folder / "data", LocalEmbedder(cache_dir=models))
        await library.add(list(open_source("seeds").papers)[:3])
        await library.close()
        shutil.copytree(folder / "data", folder / "ingest")
        library = await Library.open(folder / "data", LocalEmbedder(cache_dir=models))
        await library.add(open_source(str(folder / "paper.pdf")).papers)
        await library.close()
        shutil.copytree(folder / "data", folder / "remove")
        library = await Library.open(folder / "data", LocalEmbedder(cache_dir=models))
        assert await library.remove([PAPER]) == [PAPER]
        await library.close()
        shutil.copytree(folder / "data", folder / "restore")

    asyncio.run(make())
    return {name: folder / name for name in ("ingest", "remove", "restore")}


@pytest.fixture
def given(states: dict[str, Path], tmp_path: Path, models: Path) -> Callable[[str], Path]:
    """A function that copies one of these data dirs."""

    def copied(name: str) -> Path:
        data = tmp_path / "data"
        shutil.copytree(states[name], data)
        (data / "models").symlink_to(models)
        (tmp_path / "paper.pdf").write_bytes(PRINTED.data)
        return data

    return copied


async def run(data: Path, arguments: tuple[str, ...], *deadly: str) -> int:
    """Run the command in a separate process; returns how it ended."""
    command = ("-c", DYING, *deadly) if deadly else ("-m", "bot")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        *arguments,
        cwd=data.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "FOOTNOTE_DATA_DIR": str(data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, said.decode()[-2000:]
    return process.returncode


async def state(library: Library) -> dict[str, Any]:
    """Collect what indexes and catalogue hold, and every row of the full texts."""
    found = await held(library)
    async with library._catalogue._database.engine.connect() as connection:
        for table in TABLES:
            rows = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found


async def state_after_a_start(data: Path, models: Path) -> dict[str, Any]:
    library = await Library.open(data, LocalEmbedder(cache_dir=models))
    try:
        await library.index_pending()
        assert library.fault is None
        await assert_consistent(library)
        return await state(library)
    finally:
        await library.close()


@pytest.mark.parametrize(
    ("work", "place", "stands"), [*STEPS, *(pytest.param(*step, marks=pytest.mark.slow) for step in MORE_STEPS)]
)
async def test_a_kill_leaves_all_of_a_full_text_or_none(
    work: tuple[str, ...],
    place: str,
    stands: bool,
    given: Callable[[str], Path],
    states: dict[str, Path],
    models: Path,
    tmp_path: Path,
) -> None:
    data = given(work[0])
    assert await run(data, work, place, "after") == -signal.SIGKILL
    name = {"ingest": "remove", "remove": "restore", "restore": "remove"}[work[0]] if stands else work[0]
    expected = tmp_path / "expected"
    shutil.copytree(states[name], expected)
    assert await state_after_a_start(data, models) == await state_after_a_start(expected, models)


@pytest.mark.slow
async def test_a_kill_while_the_pdf_is_read_leaves_nothing_and_the_same_command_takes_it_in(
    given: Callable[[str], Path], states: dict[str, Path], models: Path
) -> None:
    data = given("ingest")
    assert await run(data, INGEST, "retrieval.fulltext.extraction:json.loads", "before") == -signal.SIGKILL
    before = await state_after_a_start(data, models)
    assert [before[table.name] for table in TABLES] == [[], [], []]
    assert await run(data, INGEST) == 0
    assert await state_after_a_start(data, models) == await state_after_a_start(states["remove"], models)


@pytest.mark.slow
async def test_a_kill_while_a_removed_text_is_erased_erases_it_whole_at_the_next_start(
    given: Callable[[str], Path], models: Path
) -> None:
    data = given("restore")
    long_ago = dt.datetime.now(dt.UTC).replace(tzinfo=None) - UNDO - dt.timedelta(days=1)
    with sqlite3.connect(data / CATALOGUE) as database:
        database.execute("UPDATE papers SET removed_at = ? WHERE removed_at IS NOT NULL", (str(long_ago),))
    assert await run(data, ("rebuild",), "retrieval.catalogue.removal:forget", "after") == -signal.SIGKILL
    with sqlite3.connect(data / CATALOGUE) as database:
        assert all(database.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in TABLES)
    after = await state_after_a_start(data, models)
    assert [after[table.name] for table in TABLES] == [[], [], []]
