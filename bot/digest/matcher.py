"""Match papers with a topic: how likely each is about it, from the evidence that a search would weigh."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.answering.reading.terms import content_terms
from retrieval.calibration import ANY_MODEL, Logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval import Evidence

# Written by bench/digest_relevance.py; its command is in it.
FILE: Final = Path(__file__).with_name("matcher.json")


@dataclass(frozen=True, slots=True)
class FittedMatcher:
    """What was fitted for an embedding model.

    Attributes:
        chance: how likely a paper is about a topic.
        first: the chance that the likeliest paper must have; without one there is nothing on the topic.
        floor: the chance that the others must have then.
    """

    chance: Logistic
    first: float
    floor: float


def match(topic: str, evidence: Mapping[str, Evidence], fitted: FittedMatcher) -> dict[str, float]:
    """Say how likely (0..1) papers are about a topic, as `match_each` does of several."""
    return match_each({topic: evidence}, fitted)[topic]


def match_each(evidence: Mapping[str, Mapping[str, Evidence]], fitted: FittedMatcher) -> dict[str, dict[str, float]]:
    """Say how likely (0..1) papers are about each topic, from their evidence for it in the order of the search.

    Papers that are not about it are left out: all of them where not even the likeliest is about it for sure. Which of
    the others is nearer to it, the search tells better, as it compares the papers with each other; so they get their
    chances in its order.
    """
    sizes = {topic: len(content_terms(topic)) for topic in evidence}
    return {topic: _match(sizes[topic], found, fitted) for topic, found in evidence.items()}


def _match(size: int, evidence: Mapping[str, Evidence], fitted: FittedMatcher) -> dict[str, float]:
    chances = {paper_id: fitted.chance.probability(named) for paper_id, named in _named(size, evidence).items()}
    if max(chances.values(), default=0.0) < fitted.first:
        return {}
    above = [paper_id for paper_id, chance in chances.items() if chance >= fitted.floor]
    return dict(zip(above, sorted((chances[paper_id] for paper_id in above), reverse=True), strict=True))


def named_features(topic: str, evidence: Mapping[str, Evidence]) -> dict[str, dict[str, float]]:
    """Name what the logistic reads of each paper's evidence.

    Of a topic in many words no paper has as large a share as of one in two, so their number counts too.
    """
    return _named(len(content_terms(topic)), evidence)


def _named(size: int, evidence: Mapping[str, Evidence]) -> dict[str, dict[str, float]]:
    terms = math.log1p(size)
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
    """Read what was fitted for an embedding model, or what stands for models that nothing was fitted for."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["models"]
    row = rows.get(model) or rows[ANY_MODEL]
    return FittedMatcher(Logistic.of(row), row["first"], row["floor"])
