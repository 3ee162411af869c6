"""The base class of Footnote's errors, and the errors of databases and servers; each message is one sentence."""

from __future__ import annotations


class FootnoteError(Exception):
    """The base class of everything Footnote raises on purpose; its message may be shown to users."""


class BadInputError(FootnoteError):
    """A file, a source name or a question is wrong; the message says what and where."""


class ServerRefusedError(FootnoteError):
    """A server answers, but refuses the request; the message says which setting to fix."""


class ServerAwayError(FootnoteError):
    """A server is unreachable for now; the same call will succeed once it is back."""


class DatabaseAwayError(ServerAwayError):
    """The database is unreachable for now."""


class DatabaseUnusableError(FootnoteError):
    """A database cannot be opened; the message says why, and what to do."""


class MigrationError(FootnoteError):
    """A migration failed; the message says why, and where the backup is if there is one."""
