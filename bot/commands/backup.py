"""`footnote backup` and `footnote recover`: catalogue and memory in one file, also while the bot runs."""

from __future__ import annotations

import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.commands.manage_papers import papers_in_words
from bot.console import progress_bar, stdout
from bot.store import FILE as MEMORY
from retrieval import BadInputError, LibraryDamagedError
from retrieval.data_dir import CATALOGUE, lock_data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.settings import Settings

PARTS: Final = (CATALOGUE, MEMORY)
PAGES: Final = 2000  # copied at a time, 8 MB; other writers get their turn in between


def backup(settings: Settings, file: Path) -> None:
    """Write catalogue and memory to one file, all or nothing, after checking both copies."""
    _refuse_server(settings)
    catalogue = settings.data_dir / CATALOGUE
    if not catalogue.is_file() or not (count := _count(catalogue)):
        raise BadInputError(f"There are no papers in {settings.data_dir}, so there is nothing to back up.")
    part = file.with_name(f"{file.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".footnote-") as folder:
            copies = [
                _copy(settings.data_dir / name, Path(folder) / name)
                for name in PARTS
                if (settings.data_dir / name).is_file()
            ]
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for copy in copies:
                    archive.write(copy, copy.name)
        with zipfile.ZipFile(part) as archive:
            if broken := archive.testzip():
                raise BadInputError(f"{broken} was not written correctly to {file}; check that disk and run it again.")
        part.replace(file)
    except OSError as error:
        raise BadInputError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    memory = " and what the bot remembers" if len(copies) == len(PARTS) else ""
    megabytes = max(1, file.stat().st_size // 1_000_000)
    stdout().print(f"Backed up {papers_in_words(count)}{memory} to {file} ({megabytes} MB).", soft_wrap=True)


def recover(settings: Settings, file: Path) -> None:
    """Restore catalogue and memory into a data dir without either; the next start rebuilds the indexes."""
    _refuse_server(settings)
    target = settings.data_dir
    lock = lock_data_dir(target)
    try:
        for name in PARTS:
            if (target / name).exists():
                raise BadInputError(
                    f"{target} already has a {name}: name an empty folder with --data-dir, or move that file away."
                )
        count = _unpack(file, target)
    finally:
        lock.release()
    stdout().print(f"Restored {papers_in_words(count)} to {target}; the next start makes the indexes.", soft_wrap=True)


def _unpack(file: Path, target: Path) -> int:
    """Unpack a backup beside the data dir's files, check it, then move it into place; return its number of papers."""
    try:
        with zipfile.ZipFile(file) as archive, tempfile.TemporaryDirectory(dir=target) as folder:
            names = [name for name in PARTS if name in archive.namelist()]
            if CATALOGUE not in names:
                raise BadInputError(f"{file} is not a Footnote backup: it contains no {CATALOGUE}.")
            found = [Path(archive.extract(name, folder)) for name in names]
            for copy in found:
                _look_through(copy)
            count = _count(found[0])
            for copy in reversed(found):  # the catalogue last: if it is there, everything is
                copy.replace(target / copy.name)
    except (zipfile.BadZipFile, EOFError) as error:
        raise BadInputError(f"{file} is not a Footnote backup, or it is damaged ({error}).") from error
    except OSError as error:
        raise BadInputError(f"{file} cannot be restored: {error.strerror or error}.") from error
    return count


def _copy(source: Path, copy: Path) -> Path:
    """Copy a consistent snapshot of a database, even while it is being written to."""
    try:
        with (
            closing(_reading(source)) as database,
            closing(sqlite3.connect(copy)) as into,
            progress_bar(source.name) as bar,
        ):
            database.backup(into, pages=PAGES, progress=_told(bar))
    except sqlite3.Error as error:
        raise LibraryDamagedError(f"{source} cannot be read ({error}); restore it from an earlier backup.") from error
    _look_through(copy)
    return copy


def _told(report: Callable[[int, int], None]) -> Callable[[int, int, int], None]:
    return lambda _, left, total: report(total - left, total)


def _look_through(file: Path) -> None:
    """Raise LibraryDamagedError if a database is corrupt."""
    try:
        with closing(_reading(file)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise LibraryDamagedError(f"{file.name} is damaged ({found}); restore it from an earlier backup.")


def _count(catalogue: Path) -> int:
    try:
        with closing(_reading(catalogue)) as database:
            (count,) = database.execute("SELECT count(*) FROM papers").fetchone()
    except sqlite3.Error as error:
        raise LibraryDamagedError(f"{catalogue.name} cannot be read ({error}); restore it from a backup.") from error
    return int(count)


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


def _refuse_server(settings: Settings) -> None:
    if settings.database_url:
        raise BadInputError(
            "FOOTNOTE_DATABASE_URL names a database of its own; back it up and restore it with its own tools (pg_dump)."
        )
