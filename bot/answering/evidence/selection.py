"""What an answer is to be made of: an outcome, and which sentences of which hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.answering.answer import Outcome
    from retrieval import Hit


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hit, counted from 1, and what to quote of its abstract, in the order to say it; without spans, its title."""

    number: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the hits hold for a question.

    Attributes:
        outcome: whether they say it, may say it, or are about something else.
        confidence: how likely (0..1) they say it.
        hits: those that a writer may use.
        chosen: what to quote of them without a language model.
        remarks: short lines about what was left out or is missing.
    """

    outcome: Outcome
    confidence: float
    hits: tuple[Hit, ...] = ()
    chosen: tuple[Chosen, ...] = ()
    remarks: tuple[str, ...] = ()
