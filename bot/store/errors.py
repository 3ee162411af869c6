"""The store's own error, which carries one sentence that a person may read."""

from __future__ import annotations

from retrieval.errors import FootnoteError


class StoreError(FootnoteError):
    """Say that the store cannot be opened, why, and what to do."""
