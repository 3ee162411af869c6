"""Match papers to a topic: the probability that each is about it, from the evidence that a search weighs."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval.calibration import ANY_MODEL, Logistic
from retrieval.text.terms import content_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval import Evidence

# Written by bench/digest_relevance.py, which says how to run it.
FILE: Final = Path(__file__).with_name("matcher.json")


@dataclass(frozen=True, slots=True)
class FittedMatcher:
    """The parameters fitted for an embedding model.

    Attributes:
        chance: the logistic model of the probability that a paper is about a topic.
        first: the probability that the likeliest paper must reach; otherwise nothing is about the topic.
        floor: the probability that the other papers must then reach.
    """

    chance: Logistic
    first: float
    floor: float


def match(topic: str, evidence: Mapping[str, Evidence], fitted: FittedMatcher) -> dict[str, float]:
    """The probability (0..1) that papers are about a topic, from their evidence in the order of the search.

    Papers that are not about the topic are left out: all of them if even the likeliest may not be about it. The search
    ranks the rest better, because it compares papers with each other, so the probabilities are handed out in its order.
    """
    features = named_features(topic, evidence)
    chances = {paper_id: fitted.chance.probability(named) for paper_id, named in features.items()}
    if max(chances.values(), default=0.0) < fitted.first:
        return {}
    above = [paper_id for paper_id, chance in chances.items() if chance >= fitted.floor]
    return dict(zip(above, sorted((chances[paper_id] for paper_id in above), reverse=True), strict=True))


def named_features(topic: str, evidence: Mapping[str, Evidence]) -> dict[str, dict[str, float]]:
    """The features of each paper's evidence that the logistic model reads.

    The more words a topic has, the smaller the share of them in any paper, so their number is a feature too.
    """
    terms = math.log1p(len(content_terms(topic)))
    return {
        paper_id: {
            "sentence_cosine": found.sentence_cosine,
            "bm25_share": found.bm25_share,
            "words": found.words,
            "terms": terms,
        }
        for paper_id, found in evidence.items()
    }


@functools.cache
def matching_for(model: str) -> FittedMatcher:
    """Load the parameters fitted for an embedding model, or the default ones if there are none for it."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["models"]
    row = rows.get(model) or rows[ANY_MODEL]
    return FittedMatcher(Logistic.of(row), row["first"], row["floor"])
