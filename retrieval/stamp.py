"""The stamp of the indexes: what they are made with. Where it is another one, they are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from retrieval.chunker import CHUNKER_VERSION
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from retrieval.embedding import Embedder

WINDOWS: Final = "/windows"  # at the end of the stamp of an index that holds no sentences


def stamp_of(embedder: Embedder) -> str:
    """Name what this embedder's indexes are made with."""
    return f"{embedder.model}/{embedder.dimensions}/chunks {CHUNKER_VERSION}{WINDOWS}"


def is_outdated(made_as: str, expected: str) -> bool:
    """Say whether indexes are of this model, and of a version that kept the vectors of sentences there too.

    Raises BadInputError where they are of another model, by which the other processes of this library embed.
    """
    if made_as not in {expected, expected.removesuffix(WINDOWS)}:
        raise BadInputError(
            f"This library is indexed as {made_as!r}, and this process is set to {expected!r}; give it "
            "the same FOOTNOTE_EMBEDDING settings, or run `footnote rebuild` to change the library."
        )
    return made_as != expected
