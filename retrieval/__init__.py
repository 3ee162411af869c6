"""Papers in, ranked passages out. Knows nothing about Discord or prompts."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would take longer than importing this package

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Added, Counts
    from retrieval.catalogue.removal import Removal, Removed
    from retrieval.errors import (
        BadInputError,
        DatabaseAwayError,
        EmbeddingError,
        FootnoteError,
        LibraryDamagedError,
        ServerAwayError,
    )
    from retrieval.library import Library
    from retrieval.papers import Evidence, Hit, Paper, Passage
    from retrieval.search.query import QueryVectors
    from retrieval.sources.fetched import Fetched
else:
    from retrieval.lazy_exports import lazy

    __getattr__ = lazy(
        __name__,
        {
            "Added": "catalogue.catalogue",
            "Counts": "catalogue.catalogue",
            "BadInputError": "errors",
            "DatabaseAwayError": "errors",
            "EmbeddingError": "errors",
            "FootnoteError": "errors",
            "LibraryDamagedError": "errors",
            "ServerAwayError": "errors",
            "Library": "library",
            "Evidence": "papers",
            "Hit": "papers",
            "Paper": "papers",
            "Passage": "papers",
            "QueryVectors": "search.query",
            "Removal": "catalogue.removal",
            "Removed": "catalogue.removal",
            "Fetched": "sources.fetched",
        },
    )

__all__ = [
    "Added",
    "BadInputError",
    "Counts",
    "DatabaseAwayError",
    "EmbeddingError",
    "Evidence",
    "Fetched",
    "FootnoteError",
    "Hit",
    "Library",
    "LibraryDamagedError",
    "Paper",
    "Passage",
    "QueryVectors",
    "Removal",
    "Removed",
    "ServerAwayError",
]
