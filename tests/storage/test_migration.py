from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory

from storage.engine import create_engine
from storage.errors import MigrationError
from storage.migration import Migrations, drop_backups, migrate, newest_revision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine

ROOT = Path(__file__).parents[2]
MAKES_PEOPLE = """
    op.create_table("people", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.create_table(
        "letters",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE")),
    )
"""
FAILS = """
    op.create_table("half", sa.Column("id", sa.Integer))
    op.execute("INSERT INTO people (name) VALUES ('half')")
    raise ValueError("a name is too long")
"""


class Folder:
    """A folder to which a test adds migrations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "versions"
        self.versions.mkdir(parents=True)
        self.count = 0

    def add(self, body: str) -> None:
        """Add the next migration (they count from 0001) with this body."""
        before, self.count = self.count, self.count + 1
        down = f'"{before:04}"' if before else "None"
        head = f'import sqlalchemy as sa\nrevision = "{self.count:04}"\ndown_revision = {down}\n'
        (self.versions / f"r{self.count:04}.py").write_text(f"{head}\n\ndef upgrade(op):\n{body}\n")

    def replace_last(self, body: str) -> None:
        self.count -= 1
        self.add(body)

    async def run(self, engine: AsyncEngine, file: Path) -> None:
        await migrate(engine, Migrations(self.folder, "version"), file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data ? #1" / "some.db"


@pytest.fixture
async def engine(file: Path) -> AsyncIterator[AsyncEngine]:
    file.parent.mkdir()
    engine = create_engine(file)
    yield engine
    await engine.dispose()


@pytest.fixture
def migrations(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "migrations")
    made.add(MAKES_PEOPLE)
    return made


def _backups(file: Path) -> list[str]:
    """List the names of the files beside the database that are not SQLite's own."""
    return sorted(path.name for path in file.parent.iterdir() if not path.name.endswith((".db", "-wal", "-shm")))


def _read(file: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def _tables(file: Path) -> set[object]:
    return {name for (name,) in _read(file, "SELECT name FROM sqlite_master WHERE type = 'table'")}


async def _write(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def test_a_new_file_gets_its_tables_and_no_backup(engine: AsyncEngine, file: Path, migrations: Folder) -> None:
    migrations.add('    op.add_column("people", sa.Column("age", sa.Integer))')
    await migrations.run(engine, file)
    await migrations.run(engine, file)
    assert _tables(file) == {"people", "letters", "version"}
    assert _read(file, "SELECT version_num FROM version") == [("0002",)]
    assert _backups(file) == []


async def test_a_migration_that_is_due_is_run_after_a_backup_that_holds_everything(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "INSERT INTO people (name) VALUES ('Ana')")  # as yet only in the log beside the file
    migrations.add('    op.add_column("people", sa.Column("age", sa.Integer))')
    await migrations.run(engine, file)
    assert _read(file, "SELECT name, age FROM people") == [("Ana", None)]
    assert _backups(file) == ["some.db.version-0001.backup"]
    backup = file.with_name("some.db.version-0001.backup")
    assert _read(backup, "SELECT * FROM people") == [(1, "Ana")]
    assert _read(backup, "SELECT version_num FROM version") == [("0001",)]
    await migrations.run(engine, file)
    assert _backups(file) == ["some.db.version-0001.backup"]


async def test_a_file_with_tables_from_before_all_migrations_is_backed_up_too(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await _write(engine, "CREATE TABLE old (id INTEGER)")
    await migrations.run(engine, file)
    assert _backups(file) == ["some.db.version-none.backup"]


async def test_the_newest_three_backups_stay(engine: AsyncEngine, file: Path, migrations: Folder) -> None:
    await migrations.run(engine, file)
    for number in range(2, 7):
        migrations.add(f'    op.create_table("more_{number}", sa.Column("id", sa.Integer))')
        await migrations.run(engine, file)
        # As if a day had passed since.
        for path in file.parent.glob("*.backup"):
            at = path.stat().st_mtime - 86400
            os.utime(path, (at, at))
    assert _backups(file) == [f"some.db.version-000{number}.backup" for number in (3, 4, 5)]


async def test_backups_are_dropped_by_age(file: Path) -> None:
    def drop() -> list[str]:
        file.parent.mkdir()
        old, new = (file.with_name(f"some.db.version-{name}.backup") for name in ("old", "new"))
        other = file.with_name("other.db.version-old.backup")
        for path, days in ((old, 3), (new, 1), (other, 3)):
            path.touch()
            at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
            os.utime(path, (at, at))
        drop_backups(file, datetime.now(UTC) - timedelta(days=2))
        return _backups(file)

    assert await asyncio.to_thread(drop) == ["other.db.version-old.backup", "some.db.version-new.backup"]


async def test_a_failed_migration_changes_nothing_and_says_where_the_backup_is(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "INSERT INTO people (name) VALUES ('Ana')")
    migrations.add('    op.create_table("fine", sa.Column("id", sa.Integer))')
    migrations.add(FAILS)
    backup = file.with_name("some.db.version-0001.backup")
    with pytest.raises(MigrationError, match="from 0001 to 0003") as caught:
        await migrations.run(engine, file)
    assert "a name is too long" in str(caught.value)
    assert str(backup) in str(caught.value)
    for path in (file, backup):
        assert _tables(path) == {"people", "letters", "version"}
        assert _read(path, "SELECT name FROM people") == [("Ana",)]
    migrations.replace_last('    op.create_table("half", sa.Column("id", sa.Integer))')
    await migrations.run(engine, file)
    assert _tables(file) == {"people", "letters", "fine", "half", "version"}


async def test_a_database_newer_than_the_code_is_left_alone(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "UPDATE version SET version_num = '0009'")
    migrations.add(FAILS)
    with pytest.raises(MigrationError, match=r"some\.db was written by a newer version of Footnote .*0009.*0002"):
        await migrations.run(engine, file)
    assert _backups(file) == []


async def test_without_room_for_a_backup_nothing_is_migrated(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    migrations.add('    op.create_table("more", sa.Column("id", sa.Integer))')
    await asyncio.to_thread(file.with_name("some.db.version-0001.backup").mkdir)
    with pytest.raises(MigrationError, match="no backup of it could be made"):
        await migrations.run(engine, file)
    assert "more" not in _tables(file)


async def test_a_table_made_anew_keeps_what_refers_to_it_and_references_are_enforced_again(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "INSERT INTO people VALUES (1, 'Ana')", "INSERT INTO letters VALUES (1, 1)")
    migrations.add(
        '    with op.batch_alter_table("people", recreate="always") as people:\n'
        '        people.alter_column("name", nullable=False)'
    )
    await migrations.run(engine, file)
    assert _read(file, "SELECT * FROM letters") == [(1, 1)]
    await _write(engine, "DELETE FROM people")
    assert _read(file, "SELECT * FROM letters") == []


async def test_a_migration_that_breaks_a_reference_is_undone(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "INSERT INTO people VALUES (1, 'Ana')", "INSERT INTO letters VALUES (1, 1)")
    migrations.add('    op.execute("DELETE FROM people")')
    with pytest.raises(MigrationError, match="letters refers to a row of people"):
        await migrations.run(engine, file)
    assert _read(file, "SELECT name FROM people") == [("Ana",)]


async def test_two_histories_share_a_database_and_run_at_once(
    engine: AsyncEngine, file: Path, migrations: Folder, tmp_path: Path
) -> None:
    others = Folder(tmp_path / "others")
    others.add('    op.create_table("papers", sa.Column("id", sa.Integer))')
    await asyncio.gather(
        migrations.run(engine, file),
        migrate(engine, Migrations(others.folder, "other_version"), file),
        migrations.run(engine, file),
    )
    assert _tables(file) == {"people", "letters", "papers", "version", "other_version"}


async def test_a_process_killed_in_mid_migration_leaves_the_database_as_it_was(
    engine: AsyncEngine, file: Path, migrations: Folder
) -> None:
    await migrations.run(engine, file)
    await _write(engine, "INSERT INTO people (name) VALUES ('Ana')")
    await engine.dispose()
    migrations.add(FAILS.replace('raise ValueError("a name is too long")', "import os; os.kill(os.getpid(), 9)"))
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from storage.database import Database\nfrom storage.migration import Migrations\n"
        "migrations = Migrations(Path(sys.argv[2]), 'version')\n"
        "asyncio.run(Database.open(Path(sys.argv[1]), migrations, name='It'))\n"
    )
    command = [sys.executable, "-c", program, str(file), str(migrations.folder)]
    killed = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert _tables(file) == {"people", "letters", "version"}
    assert _read(file, "SELECT name FROM people") == [("Ana",)]
    assert _backups(file) == ["some.db.version-0001.backup"]
    migrations.replace_last('    op.create_table("half", sa.Column("id", sa.Integer))')
    await migrations.run(engine, file)
    assert "half" in _tables(file)


@pytest.mark.parametrize("folder", ["retrieval", "bot/store"])
def test_the_newest_revision_is_read_from_the_names_of_the_files(folder: str) -> None:
    scripts = Path(__file__).parents[2] / folder / "migrations"
    assert newest_revision(scripts) == ScriptDirectory(scripts).get_current_head()
