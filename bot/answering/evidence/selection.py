"""What to make an answer of: an outcome, and sentences of the hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.answering.outcome import Outcome
    from retrieval import Hit


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hit (counted from 1) and the spans of its abstract to quote, in order; without spans, quote its title."""

    number: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the hits offer for a question.

    Attributes:
        outcome: whether they answer it, may answer it, or are about something else.
        confidence: probability (0..1) that they answer it.
        hits: those that a writer may use.
        chosen: what to quote without a language model.
        remarks: short lines about what was left out or is missing.
    """

    outcome: Outcome
    confidence: float
    hits: tuple[Hit, ...] = ()
    chosen: tuple[Chosen, ...] = ()
    remarks: tuple[str, ...] = ()
