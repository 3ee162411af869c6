"""Match papers with a topic: how likely each is about it, from the evidence that a search would weigh."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.digest.choosing import FLOOR
from retrieval.calibration import Logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.papers import Evidence

# Written by bench/digest_relevance.py; its command is in it.
FILE: Final = Path(__file__).with_name("matching.json")


def features(evidence: Evidence) -> dict[str, float]:
    """Name what the logistic reads of a paper's evidence."""
    return {"cosine": evidence.cosine, "bm25_share": evidence.bm25_share, "words": evidence.words}


def match(evidence: Mapping[str, Evidence], model: str, logistic: Logistic | None = None) -> dict[str, float]:
    """Say how likely (0..1) each paper is about a topic, from its evidence in the order of the search.

    Whether a paper is on the topic at all, the logistic tells; which of those is nearer to it, the search tells better,
    as it compares the papers with each other. So those above the floor get their chances in the search's order.
    """
    logistic = logistic or fitted(model)
    chances = {paper_id: logistic.probability(features(each)) for paper_id, each in evidence.items()}
    above = [paper_id for paper_id, chance in chances.items() if chance >= FLOOR]
    return chances | dict(zip(above, sorted((chances[paper_id] for paper_id in above), reverse=True), strict=True))


@functools.cache
def fitted(model: str) -> Logistic:
    """Read the logistic of an embedding model, or the one for models that none was fitted for."""
    return Logistic.read(FILE, model)
