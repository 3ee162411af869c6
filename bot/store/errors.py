"""The store's own error, which carries one sentence that a person may read."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from retrieval.errors import DatabaseAwayError, FootnoteError

FAILURES: Final = (SQLAlchemyError, OSError, DatabaseAwayError)  # of a statement, whatever the database


class StoreError(FootnoteError):
    """Say that the store cannot be opened, why, and what to do."""
