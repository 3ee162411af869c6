"""The error that all of Footnote's derive from, and those of databases and servers; each is one sentence to read."""

from __future__ import annotations


class FootnoteError(Exception):
    """Carry a sentence that a user may read; everything Footnote raises on purpose derives from it."""


class BadInputError(FootnoteError):
    """Say what is wrong with a file, a source name or a question, and where."""


class ServerRefusedError(FootnoteError):
    """Say that a server answers and will not do what is asked of it, and which setting to mend."""


class ServerAwayError(FootnoteError):
    """Say that a server does not answer for now, and which; what failed for it goes well again once it does."""


class DatabaseAwayError(ServerAwayError):
    """Say that the database does not answer for now, without which nothing can be told."""


class DatabaseUnusableError(FootnoteError):
    """Say that a database cannot be opened, why, and what to do."""


class MigrationError(FootnoteError):
    """Say why a database's tables cannot be brought up to date, and where the backup is if there is one."""
