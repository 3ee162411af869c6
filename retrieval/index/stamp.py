"""The stamp of the indexes: the model and chunker that made them. When it changes, they are rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.index.chunker import CHUNKER_VERSION

if TYPE_CHECKING:
    from retrieval.embedding import Embedder

WINDOWS: Final = "/windows"  # ends the stamp of an index of windows alone, without sentences


def stamp_of(embedder: Embedder) -> str:
    """The stamp of this embedder's indexes."""
    return f"{embedder.model}/{embedder.dimensions}/chunks {CHUNKER_VERSION}{WINDOWS}"


def is_outdated(made_as: str, expected: str) -> bool:
    """Whether indexes were made by this model but by an older version, which also indexed sentences.

    Raises BadInputError if they were made by another model, which the library's other processes use.
    """
    if made_as not in {expected, expected.removesuffix(WINDOWS)}:
        raise BadInputError(
            f"This library is indexed as {made_as!r}, and this process is set to {expected!r}; give it "
            "the same FOOTNOTE_EMBEDDING settings, or run `footnote rebuild` to change the library."
        )
    return made_as != expected
