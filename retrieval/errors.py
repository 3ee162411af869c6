"""The errors of papers and models, and those of databases and servers; each message is one sentence."""

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
    """Another process is using the data directory."""


class LibraryDamagedError(FootnoteError):
    """The catalogue, from which everything else is rebuilt, cannot be read or written."""


class WeightsError(FootnoteError):
    """The embedding model's files are missing, or are not the expected ones."""


class EmbeddingError(FootnoteError):
    """A remote embedding model failed; the message says why."""
