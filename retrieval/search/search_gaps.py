"""What searches currently leave out, so that users can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gaps:
    """What searches currently leave out.

    Attributes:
        vectors: whether the Chroma server is away, so that search is lexical only.
        waiting: how many papers are pending, if that is a good part of the library; else 0.
    """

    vectors: bool = False
    waiting: int = 0
