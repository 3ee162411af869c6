"""Describe in a sentence what the machine lacks: open files, disk, a writable folder, memory, the right time."""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES: Final = 48  # open files that a library and its indexes may need; 31 with 224 papers
FREE_BYTES: Final = 20_000_000  # for the journals of two databases; 74 papers take 15 MB
MEMORY_BYTES: Final = 500_000_000  # for a bot with 10,000 papers
MEGABYTE: Final = 1_000_000
EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)  # no correct clock shows an earlier time

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})
_MEMORY: Final = ("bad_alloc", "out of memory", "cannot allocate memory")  # messages of C++ and Rust libraries
_DISK: Final = ("disk is full", "no space left")  # messages of SQLite, and of the system through Rust


class ShortageError(FootnoteError):
    """What the machine lacks, found before anything is opened that would break without it."""


def refuse_shortage(data_dir: Path) -> None:
    """Raise ShortageError if too few files may be opened, or too little disk is free, for a library.

    Also raises it if the data dir, which is created if needed, is not writable.
    """
    refuse_few_files()
    refuse_full_disk(data_dir)
    refuse_unwritable(data_dir)


def refuse_few_files() -> int | None:
    """Count how many more files may be opened (None if unlimited); raises ShortageError for too few."""
    spare = _spare_files()
    if spare is not None and spare < FILES:
        raise ShortageError(_too_few_files(f"only {spare} more files may be opened"))
    return spare


def refuse_full_disk(data_dir: Path) -> int:
    """Count the free bytes on the data dir's disk; raises ShortageError for too few."""
    folder = next(parent for parent in (data_dir.absolute(), *data_dir.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise ShortageError(_full(f"{free // MEGABYTE} MB are free where {data_dir} is"))
    return free


def refuse_unwritable(data_dir: Path) -> None:
    """Create the data dir if needed and write to it; raises ShortageError with the reason if that fails."""
    import tempfile  # not needed for --help

    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"footnote")
    except OSError as error:
        lacking = shortage_behind(error)
        raise ShortageError(lacking or _unwritable(data_dir, error)) from error


def refuse_little_memory() -> int | None:
    """Count the bytes of memory available (None if unknown); raises ShortageError for too few."""
    left = _spare_memory()
    if left is not None and left < MEMORY_BYTES:
        raise ShortageError(_short_of_memory(f"{left // MEGABYTE} MB are left"))
    return left


def refuse_wrong_clock(now: datetime) -> None:
    """Raise ShortageError if the clock shows a time before this program was written."""
    if now < EARLIEST:
        raise ShortageError(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC; set it, as digests and certificates depend on it."
        )


def shortage_behind(error: BaseException) -> str | None:
    """Describe what the machine lacked, if an error or one of its causes shows it; else None."""
    for cause in _chain(error):
        number = cause.errno if isinstance(cause, OSError) else None
        told = str(cause).lower()
        if number in _FULL or any(words in told for words in _DISK):
            return _full("the disk is full")
        if number in _TOO_MANY:
            return _too_few_files("too many files are open")
        if number == errno.EROFS:
            return "The disk to write to is read-only; choose another folder with --data-dir."
        if isinstance(cause, MemoryError) or number == errno.ENOMEM or any(words in told for words in _MEMORY):
            return _short_of_memory("none was left")
    return None


def sentence_for(error: BaseException) -> str:
    """Write the sentence that users see for an unexpected error."""
    if lacking := shortage_behind(error):
        return lacking
    if isinstance(error, OSError):
        what = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        return f"The system refused Footnote a file or a connection ({what}); fix that and run it again."
    return (
        f"Footnote failed unexpectedly ({type(error).__name__}: {error}); "
        "run it again with --verbose and report what it prints."
    )


def _full(seen: str) -> str:
    return f"There is no space to write: {seen}; free 100 MB there, or choose another folder with --data-dir."


def _too_few_files(seen: str) -> str:
    return f"Too few files may be open at once: {seen}; raise the limit (`ulimit -n 1024`) and run it again."


def _short_of_memory(seen: str) -> str:
    needed = f"Footnote needs some {MEMORY_BYTES // MEGABYTE} MB"
    return f"There is not enough memory: {seen}, and {needed}; close other programs, or raise its limit."


def _unwritable(data_dir: Path, error: OSError) -> str:
    match error.errno:
        case errno.EEXIST | errno.ENOTDIR:
            return f"The data dir {data_dir} is, or lies in, a file; choose another folder with --data-dir."
        case errno.EACCES | errno.EPERM:
            return f"Footnote may not write to the data dir {data_dir}; run it as its owner, or choose another."
    reason = error.strerror or error
    return f"The data dir {data_dir} cannot be used: {reason}; choose another folder with --data-dir."


def _spare_memory() -> int | None:
    """The minimum of the system's available memory, the process's limit and the container's limit, in bytes."""
    left: list[int] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        left.append(int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024)
    with suppress(OSError, ValueError):  # "max" means no limit
        left.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    with suppress(ImportError):  # Windows
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        left += [most] if most != resource.RLIM_INFINITY else []
    return min(left, default=None)


def _spare_files() -> int | None:
    """Count how many more files this process may open; None if unlimited or unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    folder = Path("/dev/fd")
    if most == resource.RLIM_INFINITY or not folder.is_dir():
        return None
    return most - sum(1 for _ in folder.iterdir())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
