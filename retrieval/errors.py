"""The errors that a person may read: each carries one sentence that says what is wrong and what to do."""

from __future__ import annotations


class FootnoteError(Exception):
    """Carry a sentence that a user may read; everything Footnote raises on purpose derives from it."""


class BadInputError(FootnoteError):
    """Say what is wrong with a file, a source name or a question, and where."""


class LibraryLockedError(FootnoteError):
    """Say that another process owns the data directory."""


class LibraryDamagedError(FootnoteError):
    """Say that the catalogue itself, which nothing can be rebuilt from, cannot be read."""


class WeightsError(FootnoteError):
    """Say that the embedding model's files are missing or are not the ones expected."""


class EmbeddingError(FootnoteError):
    """Say that a remote embedding model could not be asked, and why."""


class ServerRefusedError(FootnoteError):
    """Say that a server answers and will not do what is asked of it, and which setting to mend."""


class ServerAwayError(FootnoteError):
    """Say that a server does not answer for now, and which; what failed for it goes well again once it does."""


class DatabaseAwayError(ServerAwayError):
    """Say that the database does not answer for now, without which nothing can be told."""
