"""What searches pass over for now, so that whoever asked can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gaps:
    """Hold what is not searched that would be otherwise.

    Attributes:
        vectors: whether the server of the vectors is away, so that papers are proposed by their words alone.
        waiting: how many papers wait to be indexed, where that is a good part of the library.
    """

    vectors: bool = False
    waiting: int = 0
