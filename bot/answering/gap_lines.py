"""Tell users what searches leave out for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.language import say, say_many

if TYPE_CHECKING:
    from retrieval.search_gaps import Gaps


def gap_lines(gaps: Gaps) -> list[str]:
    """List one line for each thing that is not searched for now; empty if everything is."""
    lines = []
    if gaps.vectors:
        lines.append(say("The vector server is unavailable: papers were found only by their words."))
    if gaps.waiting:
        lines.append(
            say_many(
                "{n} paper is still being indexed and cannot be found yet.",
                "{n} papers are still being indexed and cannot be found yet.",
                gaps.waiting,
            )
        )
    return lines
