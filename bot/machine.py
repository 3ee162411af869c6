"""What the machine has too little of, said in a sentence: open files, disk, memory."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval.errors import FootnoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES: Final = 48  # that a library and its indexes may need to open; 31 with 224 papers
FREE_BYTES: Final = 20_000_000  # for the journals of two databases; 74 papers take 15 MB
MEGABYTE: Final = 1_000_000

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})
_MEMORY: Final = ("bad_alloc", "out of memory", "cannot allocate memory")  # as libraries in C++ and Rust say it
_DISK: Final = ("disk is full", "no space left")  # as SQLite, and the system through Rust, say it


class ShortageError(FootnoteError):
    """Say what the machine lacks, before anything is opened that would break for want of it."""


def refuse_shortage(data_dir: Path) -> None:
    """Raise ShortageError where so few files may be opened, or so little disk is free, that a library would break."""
    if (spare := _spare_files()) is not None and spare < FILES:
        raise ShortageError(_too_few_files(f"only {spare} more files may be opened"))
    folder = next(each for each in (data_dir.absolute(), *data_dir.absolute().parents) if each.exists())
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise ShortageError(_full(f"{free // MEGABYTE} MB are free where {data_dir} is"))


def shortage_behind(error: BaseException) -> str | None:
    """Return a sentence on what the machine lacked, where an error or one behind it says so; None elsewhere."""
    for each in _chain(error):
        number = each.errno if isinstance(each, OSError) else None
        told = str(each).lower()
        if number in _FULL or any(words in told for words in _DISK):
            return _full("the disk is full")
        if number in _TOO_MANY:
            return _too_few_files("too many files are open")
        if number == errno.EROFS:
            return "What is to be written lies on a disk that is read-only; choose another folder with --data-dir."
        if isinstance(each, MemoryError) or number == errno.ENOMEM or any(words in told for words in _MEMORY):
            return (
                "There is not enough memory: Footnote needs some 500 MB; end other programs, or raise the limit under "
                "which it runs."
            )
    return None


def _full(seen: str) -> str:
    return f"There is no room to write: {seen}; free 100 MB there, or choose another folder with --data-dir."


def _too_few_files(seen: str) -> str:
    return f"Too few files may be open at once: {seen}; raise the limit (`ulimit -n 1024`) and run it again."


def _spare_files() -> int | None:
    """Return how many more files this process may open; None where that is not limited or not known."""
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
