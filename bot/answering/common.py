"""The words that any paper may have, so that they do not tell which one is meant."""

from __future__ import annotations

from functools import cache
from typing import Final

from bot.answering.question import content_terms

COMMON: Final = """
abstract accuracy approach author available baseline benchmark code compare data dataset environment evaluate
evaluation example experiment gain idea kind limitation method model name number participant people performance
problem propose result sample score similar size study system table task technique test train training version way work
"""


@cache
def common_terms() -> frozenset[str]:
    """Return the stemmed words that do not tell one paper from another."""
    return frozenset(content_terms(COMMON))
