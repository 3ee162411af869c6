"""Digests: choose what to post and when, and deliver it to each subscriber exactly once."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` takes longer than importing this package

if TYPE_CHECKING:
    from bot.digest.delivery import Deliverer
    from bot.digest.digest import Digest, Entry, Roundup
    from bot.digest.editor import Editor, FreshPapers
    from bot.digest.poster import GoneError, Poster, UnavailableError
else:
    from retrieval.lazy_exports import lazy

    __getattr__ = lazy(
        __name__,
        {
            "Deliverer": "delivery",
            "Digest": "digest",
            "Entry": "digest",
            "Roundup": "digest",
            "Editor": "editor",
            "FreshPapers": "editor",
            "GoneError": "poster",
            "Poster": "poster",
            "UnavailableError": "poster",
        },
    )

__all__ = [
    "Deliverer",
    "Digest",
    "Editor",
    "Entry",
    "FreshPapers",
    "GoneError",
    "Poster",
    "Roundup",
    "UnavailableError",
]
