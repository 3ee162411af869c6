"""The errors of papers and models, beside those of databases and servers; each is one sentence to be read."""

from __future__ import annotations

from storage.errors import (
    BadInputError,
    DatabaseAwayError,
    DatabaseUnusableError,
    FootnoteError,
    MigrationError,
    ServerAwayError,
    ServerRefusedError,
)

__all__ = [
    "BadInputError",
    "DatabaseAwayError",
    "DatabaseUnusableError",
    "EmbeddingError",
    "FootnoteError",
    "LibraryDamagedError",
    "LibraryLockedError",
    "MigrationError",
    "ServerAwayError",
    "ServerRefusedError",
    "WeightsError",
]


class LibraryLockedError(FootnoteError):
    """Say that another process owns the data directory."""


class LibraryDamagedError(FootnoteError):
    """Say that what nothing can be rebuilt from cannot be read or kept."""


class WeightsError(FootnoteError):
    """Say that the embedding model's files are missing or are not the ones expected."""


class EmbeddingError(FootnoteError):
    """Say that a remote embedding model could not be asked, and why."""
