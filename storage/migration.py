"""Migrates a database with alembic; an SQLite file is backed up first.

A folder of migrations holds `versions/*.py`, each with `revision`, `down_revision` and `upgrade(op: Operations)`.
The operations are passed in rather than taken from `alembic.op`, which is global to the process, because two
databases may be opened at once. There are no downgrades: to go back, restore the backup.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import zlib
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from storage.errors import MigrationError
from storage.sqlite import IMMEDIATE, enforce_foreign_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

MOST_BACKUPS: Final = 3  # of a file
PATIENCE: Final = timedelta(seconds=30)  # that a backup waits for another process's lock

_REVISION: Final = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of a database.

    Attributes:
        folder: the folder of the migrations.
        version_table: the table that stores the current revision; one database may have several.
        largest_backup: larger files (bytes) are not backed up before a migration; None for no limit.
    """

    folder: Path
    version_table: str
    largest_backup: int | None = None


async def migrate(engine: AsyncEngine, migrations: Migrations, file: Path | None) -> None:
    """Run the pending migrations, all or none of them; safe to call from several processes at once.

    `file` is the SQLite file behind the engine, None on a server. If a migration is due and the file is not new, it is
    first backed up as `FILE.VERSION_TABLE-REVISION.backup`; the newest three backups are kept.

    Raises MigrationError if the database is newer than the migrations, or if one fails; nothing is changed then.
    """
    version_table = migrations.version_table
    if await _read_revision(engine, version_table) == await asyncio.to_thread(newest_revision, migrations.folder):
        return  # nearly always; importing alembic takes longer than a search
    scripts = await asyncio.to_thread(_load_scripts, migrations.folder)
    known = {script.revision for script in scripts.walk_revisions()}
    head = scripts.get_current_head()
    async with _migration_lock(engine, version_table) as connection:
        current = await connection.run_sync(_current_revision, version_table)
        if current == head:
            return
        name = file.name if file else "The database"
        if current is not None and current not in known:
            raise MigrationError(
                f"{name} was written by a newer version of Footnote (its tables are at {current}, this version knows "
                f"{head}); update Footnote, or restore a backup."
            )
        backup = None
        is_new = await connection.run_sync(_has_no_tables)
        if file and not is_new and await asyncio.to_thread(_is_small_enough, file, migrations.largest_backup):
            backup = file.with_name(f"{file.name}.{version_table}-{current or 'none'}.backup")
            try:
                await asyncio.to_thread(_back_up, file, backup)
            except (OSError, sqlite3.Error) as error:
                raise MigrationError(
                    f"{name} needs a migration, but no backup of it could be made ({error}); make room in "
                    f"{file.parent}, or let Footnote write there."
                ) from error
        try:
            await connection.run_sync(_upgrade, scripts, version_table, current)
        except Exception as error:
            reason = (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]
            copy = f"; a backup from before is {backup}" if backup else ""
            raise MigrationError(
                f"{name} could not be brought from {current or 'its first state'} to {head} ({reason}); nothing in it "
                f"was changed{copy}."
            ) from error


def newest_revision(folder: Path) -> str | None:
    """Read the latest revision from the last of a folder's numbered files, without importing alembic."""
    last = max((folder / "versions").glob("r*.py"))
    found = _REVISION.search(last.read_text(encoding="utf-8"))
    return found and found[1]


async def _read_revision(engine: AsyncEngine, version_table: str) -> str | None:
    """Read the database's revision without importing alembic; None if no migration has run."""
    versions = sa.table(version_table, sa.column("version_num"))
    async with engine.connect() as connection:
        if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table(version_table)):
            return None
        found: str | None = await connection.scalar(sa.select(versions.c.version_num))
        return found


def drop_backups(file: Path, before: datetime) -> None:
    """Delete the backups of a file that are older than a time."""
    for backup in _backups(file):
        if datetime.fromtimestamp(backup.stat().st_mtime, UTC) < before:
            backup.unlink(missing_ok=True)


@asynccontextmanager
async def _migration_lock(engine: AsyncEngine, version_table: str) -> AsyncIterator[AsyncConnection]:
    """A transaction that holds the migration lock."""
    async with engine.execution_options(**{IMMEDIATE: True}).connect() as connection:
        if engine.dialect.name != "sqlite":
            async with connection.begin():
                lock = sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(version_table.encode())))
                await connection.execute(lock)
                yield connection
            return
        # Alembic recreates a table by dropping it first, which would delete the rows that reference it.
        await enforce_foreign_keys(connection, enforced=False)
        try:
            async with connection.begin():
                yield connection
        finally:
            await enforce_foreign_keys(connection, enforced=True)


def _load_scripts(folder: Path) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(folder)
    scripts.get_heads()  # reads the files
    return scripts


def _context(connection: sa.Connection, version_table: str) -> MigrationContext:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection, opts={"version_table": version_table})


def _current_revision(connection: sa.Connection, version_table: str) -> str | None:
    return _context(connection, version_table).get_current_revision()


def _has_no_tables(connection: sa.Connection) -> bool:
    return not sa.inspect(connection).get_table_names()


def _upgrade(connection: sa.Connection, scripts: ScriptDirectory, version_table: str, current: str | None) -> None:
    from alembic.operations import Operations

    context = _context(connection, version_table)
    operations = Operations(context)
    for script in reversed([*scripts.iterate_revisions("head", current or "base")]):
        script.module.upgrade(operations)
    context.stamp(scripts, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise MigrationError(f"a row of {broken[0]} refers to a row of {broken[2]} that is not there")


def _is_small_enough(file: Path, largest: int | None) -> bool:
    return largest is None or file.stat().st_size <= largest


def _back_up(file: Path, backup: Path) -> None:
    """Copy an SQLite file that may be in use; the copy appears whole or not at all."""
    part = backup.with_name(f"{backup.name}.part")
    for leftover in (part, part.with_name(f"{part.name}-journal")):
        leftover.unlink(missing_ok=True)
    address, timeout = f"{file.absolute().as_uri()}?mode=ro", PATIENCE.total_seconds()
    with (
        closing(sqlite3.connect(address, uri=True, timeout=timeout)) as source,
        closing(sqlite3.connect(part)) as target,
    ):
        source.backup(target)
    part.replace(backup)
    _sync_folder(backup.parent)
    # `backup` may have replaced an older one of the same name; it counts as the newest.
    for old in sorted(set(_backups(file)) - {backup}, key=lambda path: path.stat().st_mtime_ns, reverse=True)[
        MOST_BACKUPS - 1 :
    ]:
        old.unlink(missing_ok=True)


def _backups(file: Path) -> list[Path]:
    return list(file.parent.glob(f"{file.name}.*.backup"))


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    if os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
