from __future__ import annotations

import asyncio
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.terminal import Result

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"


async def _remember(data_dir: Path) -> None:
    store = await Store.open(data_dir)
    await store.servers.mark_left(7, datetime(2026, 11, 1, tzinfo=UTC))
    await store.close()


@pytest.fixture
def kept(seeded_terminal: Callable[..., Result], tmp_path: Path) -> Path:
    asyncio.run(_remember(tmp_path / ".footnote"))
    shown = seeded_terminal("backup", "kept.zip").out
    assert shown.startswith("Backed up 74 papers and what the bot remembers to kept.zip (")
    return tmp_path / "kept.zip"


def test_what_was_backed_up_is_found_again_elsewhere_with_its_vectors(
    seeded_terminal: Callable[..., Result], kept: Path, tmp_path: Path
) -> None:
    shown = seeded_terminal("recover", str(kept), "--data-dir", "new").out
    assert shown == "Restored 74 papers to new; the next start makes the indexes.\n"
    (tmp_path / "new" / "models").symlink_to(tmp_path / ".footnote" / "models")
    found = seeded_terminal("search", TITLE, "--limit", "1", "--json", "--data-dir", "new").json
    assert [paper["title"] for paper in found] == [TITLE]
    for name in ("footnote.db", "memory.db"):
        with closing(sqlite3.connect(tmp_path / "new" / name)) as new:
            assert new.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_is_of_one_moment_while_somebody_writes(
    seeded_terminal: Callable[..., Result], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / ".footnote" / "footnote.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE papers SET title = 'half done'")
        assert seeded_terminal("backup", "kept.zip").code == 0
        writer.execute("ROLLBACK")
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        archive.extract("footnote.db", tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / "footnote.db")) as copy:
        assert copy.execute("SELECT count(*) FROM papers WHERE title = 'half done'").fetchone() == (0,)


def test_a_data_dir_that_has_papers_is_not_written_over(seeded_terminal: Callable[..., Result], kept: Path) -> None:
    refused = seeded_terminal("recover", str(kept))
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "already has a footnote.db" in refused.err


def test_nothing_is_no_backup(terminal: Callable[..., Result], tmp_path: Path) -> None:
    refused = terminal("backup", "kept.zip")
    assert (refused.code, "no paper" in refused.err) == (1, True)
    assert not (tmp_path / "kept.zip").exists()


@pytest.mark.parametrize("damage", ["cut", "other", "inside"])
def test_a_damaged_backup_is_a_sentence_and_leaves_nothing(
    seeded_terminal: Callable[..., Result], kept: Path, tmp_path: Path, damage: str
) -> None:
    broken = tmp_path / "broken.zip"
    if damage == "cut":
        broken.write_bytes(kept.read_bytes()[:100_000])
    elif damage == "other":
        with zipfile.ZipFile(broken, "w") as archive:
            archive.writestr("../footnote.db", "no database")
    else:
        with zipfile.ZipFile(broken, "w") as archive:
            archive.writestr("footnote.db", "no database")
    refused = seeded_terminal("recover", str(broken), "--data-dir", "new")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert [path.name for path in (tmp_path / "new").iterdir() if path.name != "lock"] == []
    assert not (tmp_path / "footnote.db").exists()


def test_a_damaged_catalogue_is_not_backed_up_as_if_it_were_sound(
    seeded_terminal: Callable[..., Result], tmp_path: Path
) -> None:
    catalogue = tmp_path / ".footnote" / "footnote.db"
    with catalogue.open("r+b") as file:
        file.seek(200_000)
        file.write(b"\xff" * 40_000)
    refused = seeded_terminal("backup", "kept.zip")
    assert (refused.code, "damaged" in refused.err or "cannot be read" in refused.err) == (1, True)
    assert not (tmp_path / "kept.zip").exists()


def test_a_server_has_tools_of_its_own(terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    for command in (["backup", "kept.zip"], ["recover", __file__]):
        assert "pg_dump" in terminal(*command).err
