"""`footnote prune`: delete data past its lifetime, and shrink the database files."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.console import stdout
from bot.factory import open_store
from bot.store import FILE as MEMORY
from retrieval import BadInputError, LibraryDamagedError
from retrieval.data_dir import CATALOGUE, lock_data_dir

if TYPE_CHECKING:
    from pathlib import Path

    from bot.settings import Settings


async def prune(settings: Settings) -> None:
    """Delete what is due, as the bot does daily, and vacuum SQLite files; a database server vacuums itself."""
    lock = lock_data_dir(settings.data_dir)
    try:
        files = [settings.data_dir / name for name in (CATALOGUE, MEMORY)]
        if not settings.database_url and not any(file.exists() for file in files):
            raise BadInputError(f"There is nothing in {settings.data_dir} yet.")
        before = sum(map(_size, files))
        async with open_store(settings) as store:
            count = await store.forget_due(datetime.now(UTC))
        for file in files:
            if file.exists() and not settings.database_url:
                await asyncio.to_thread(_shrink, file)
        given_back = max(0, before - sum(map(_size, files))) / 1_000_000
    finally:
        lock.release()
    rows = "One row was" if count == 1 else f"{count:,} rows were"
    stdout().print(f"{rows} older than {settings.retention} days and deleted; {given_back:.1f} MB were freed.")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _shrink(file: Path) -> None:
    """Vacuum a database, which temporarily needs as much disk again."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise LibraryDamagedError(
            f"{file.name} cannot be made smaller ({error}); see that there is as much disk free as it takes."
        ) from error
