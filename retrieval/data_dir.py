"""The data directory: where a library keeps its files, and the lock by which one process at a time uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from retrieval.errors import BadInputError, LibraryLockedError

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE: Final = "footnote.db"  # unless a database is configured
CHROMA: Final = "chroma"
LEXICAL: Final = "lexical"
GUARD: Final = "opening"  # see retrieval.index.index_guard


def lock_data_dir(data_dir: Path) -> FileLock:
    """Lock a data directory (created if missing); raises LibraryLockedError if another process holds it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / "lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryLockedError(
            f"Another footnote process is using {data_dir}; stop it, or choose another folder with --data-dir."
        ) from None
    except OSError as error:
        raise BadInputError(f"The data dir {data_dir} cannot be used: {error.strerror or error}.") from error
    return lock
