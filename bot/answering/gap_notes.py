"""Notes for readers on the gaps of a search: what it leaves out for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.language import say, say_many

if TYPE_CHECKING:
    from retrieval.search.search_gaps import Gaps


def gap_notes(gaps: Gaps) -> list[str]:
    """List a line for each thing that searches leave out for now; empty if they leave out nothing."""
    notes = []
    if gaps.vectors:
        notes.append(say("The vector server is unavailable: papers were found only by their words."))
    if gaps.waiting:
        notes.append(
            say_many(
                "{n} paper is still being indexed and cannot be found yet.",
                "{n} papers are still being indexed and cannot be found yet.",
                gaps.waiting,
            )
        )
    return notes
