"""Features of the fitted evidence models: raw evidence of hits, of sentences, and of lists of papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.calibration import idf, standardise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval import Hit, Passage
    from retrieval.search.agreement import Agreement

Features = dict[str, float]
Columns = dict[str, "NDArray[np.float64]"]

_ADDRESS_PARTS: Final = ("http://", "https://", "www.", "github")
CROWD_START: Final = 5  # hits that may all be right; those after them are the crowd that a listed paper stands out from


@dataclass(frozen=True, slots=True, eq=False)
class MatchedHit:
    """A hit compared with the question: its sentences in the order of its text, and the words on which each agrees."""

    hit: Hit
    sentences: tuple[Passage, ...]
    agreement: Agreement

    @classmethod
    def of(cls, hit: Hit, agreement: Agreement) -> MatchedHit:
        """Put the sentences of a hit in the order of its text; `agreement` is in that order already."""
        return cls(hit, tuple(sorted(hit.sentences, key=lambda passage: passage.start)), agreement)

    @classmethod
    def joined(cls, matches: Sequence[MatchedHit]) -> MatchedHit:
        """Join the sentences of several hits as if they were one text."""
        agreements = [matched.agreement for matched in matches]
        whole = np.maximum.reduce([agreement.whole for agreement in agreements])
        sentences = np.concatenate([agreement.sentences for agreement in agreements])
        together = replace(agreements[0], sentences=sentences, whole=whole)
        return cls(matches[0].hit, tuple(sentence for matched in matches for sentence in matched.sentences), together)


def sentence_columns(matched: MatchedHit, wants_number: float) -> Columns:
    """Describe each sentence of a paper: one column per feature, one row per sentence.

    `wants_number` is the probability (0..1) that the question asks for a number.
    """
    agreement, sentences = matched.agreement, matched.sentences
    count = len(sentences)
    cosines = np.array([passage.cosine for passage in sentences], np.float64)
    shares = agreement.share(agreement.sentences)
    beyond = agreement.beyond_title
    holding = agreement.sentences.sum(axis=0)
    rare = agreement.weights * np.array([idf(holders, count) for holders in holding])
    numbers = np.array([float(holds_number(passage.text)) for passage in sentences])
    position = np.arange(count) / max(count - 1, 1)
    return {
        "cosine": standardise(cosines),
        "cosine around": standardise(_neighbourhood_maximum(cosines)),
        "agreement": standardise(shares),
        "agreement around": standardise(_neighbourhood_maximum(shares)),
        "share": shares,
        "share beyond title": agreement.share(agreement.sentences, beyond),
        "share of rare": agreement.share(agreement.sentences, rare),
        "share of rare beyond title": agreement.share(agreement.sentences, rare * (1 - agreement.title)),
        "number wanted": numbers * wants_number,
        "number unwanted": numbers * (1 - wants_number),
        "address": np.array([float(holds_address(passage.text)) for passage in sentences]),
        "length": standardise(np.log([1 + len(passage.text) for passage in sentences])),
        "first": (np.arange(count) == 0).astype(np.float64),
        "last": (np.arange(count) == count - 1).astype(np.float64),
        "late": position,
        "late number": position * wants_number,
    }


def gate_features(hits: Sequence[Hit], best: MatchedHit, likely: NDArray[np.float64], wants_number: float) -> Features:
    """Describe a question and its best hit: is the library on its subject, and does that paper answer it?

    No feature grows with the length of the question: in any hand-written set, long questions happen to be answerable
    more often, which says nothing about the papers. `likely` are the probabilities, adding up to 1, that each sentence
    of the best hit is the one asked for.
    """
    evidence, agreement = best.hit.evidence, best.agreement
    lacking = agreement.weights * (1 - agreement.whole)
    sentences = agreement.sentences
    beyond = agreement.beyond_title
    order = np.argsort(-likely, kind="stable")
    top = sentences[order[:3]].max(axis=0) if len(order) else agreement.title
    numbers = [holds_number(best.sentences[index].text) for index in order[:3]]
    return {
        "cosine": evidence.cosine,
        "sentence cosine": evidence.sentence_cosine,
        "words": evidence.words,
        "bm25": evidence.bm25_share,
        "coverage": evidence.coverage,
        "title": float(agreement.share(agreement.title)),
        "whole": float(agreement.share(agreement.whole)),
        "whole beyond title": float(agreement.share(agreement.whole, beyond)),
        "best sentence": float(agreement.share(sentences).max(initial=0.0)),
        "best three": float(agreement.share(top)),
        "best with title": float(agreement.share(np.maximum(top, agreement.title))),
        "lacking most": float(lacking.max(initial=0.0) / max(agreement.weights.max(initial=0.0), 1e-9)),
        "margin": best.hit.score - max((hit.score for hit in hits if hit is not best.hit), default=best.hit.score - 1),
        "peak": float(likely.max(initial=0.0)),
        "number wanted": wants_number,
        "number lacking": wants_number * (1 - float(any(numbers))),
        "number lacking first": wants_number * (1 - float(any(numbers[:1]))),
    }


def listing_columns(hits: Sequence[Hit]) -> Columns:
    """Describe each of a question's hits among the others: one column per feature, one row per hit."""
    signals: Mapping[str, list[float]] = {
        "cosine": [hit.evidence.cosine for hit in hits],
        "sentence cosine": [hit.evidence.sentence_cosine for hit in hits],
        "words": [hit.evidence.words for hit in hits],
        "bm25": [hit.evidence.bm25_share for hit in hits],
        "coverage": [hit.evidence.coverage for hit in hits],
        "score": [hit.score for hit in hits],
    }
    columns: Columns = {}
    for name, values in signals.items():
        column = np.array(values, np.float64)
        if name != "score":  # a fused score has no scale of its own
            columns[name] = column
        columns[f"{name} under best"] = column - column.max(initial=-np.inf)
        columns[f"{name} over crowd"] = column - (
            np.median(column[CROWD_START:]) if len(column) > CROWD_START else column.min(initial=np.inf)
        )
    columns["rank"] = np.log1p(np.arange(len(hits)))
    # A long abstract matches a few words of anything.
    columns["length"] = np.log1p([len(hit.paper.abstract) for hit in hits])
    return columns


def holds_address(text: str) -> bool:
    """Check whether a text gives a web address, or names a code host."""
    lowered = text.lower()
    return any(part in lowered for part in _ADDRESS_PARTS)


def holds_number(text: str) -> bool:
    """Check whether a text holds a number that is not part of a name such as GPT-4."""
    if not any(map(str.isdecimal, text)):
        return False
    before = f" {text}"
    return any(
        character.isdecimal() and not (last.isalnum() or last in "_-")
        for last, character in zip(before, text, strict=False)
    )


def _neighbourhood_maximum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take, for each value, the maximum of itself and its neighbours."""
    padded = np.pad(values, 1, mode="edge") if len(values) else np.zeros(2)
    return np.maximum(np.maximum(padded[:-2], padded[2:]), values)
