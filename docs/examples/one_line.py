"""A writer: one line for each paper that was found, its title and the sentence that Footnote chose of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footnote.plugins import Draft, Support

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from footnote.plugins import Selection, Settings


class OneLine:
    """Say which paper answers, and quote it."""

    name = "llm"  # what a plugin writes is checked as a language model's is

    def __init__(self, settings: Settings) -> None:
        """Take all settings, of which this writer needs none."""

    async def write(self, question: str, selection: Selection) -> AsyncIterator[Draft]:
        """Yield drafts; Footnote shows those whose quotes stand in their papers and bear them out."""
        for chosen in selection.chosen[:3]:
            paper = selection.hits[chosen.number - 1].paper
            for start, end in chosen.spans[:1]:
                quote = paper.abstract[start:end]
                yield Draft(f"“{paper.title}”: {quote}", (Support(chosen.number, quote),))
