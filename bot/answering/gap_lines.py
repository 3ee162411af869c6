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
        lines.append(say("The server of the vectors is away: papers were found by their words alone."))
    if gaps.waiting:
        lines.append(
            say_many(
                "{n} paper is being indexed yet and not found.",
                "{n} papers are being indexed yet and not found.",
                gaps.waiting,
            )
        )
    return lines
