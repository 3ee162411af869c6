"""A writer: one line for each paper found, with its title and the sentence that Footnote chose from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footnote.plugins import Draft, Support

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from footnote.plugins import Selection, Settings


class OneLine:
    """Say which paper answers, and quote it."""

    name = "llm"  # what a plugin writes is checked like the words of a language model

    def __init__(self, settings: Settings) -> None:
        """Accept the settings, none of which this writer needs."""

    async def write(self, question: str, selection: Selection) -> AsyncIterator[Draft]:
        """Yield drafts; Footnote shows those whose quotes are in their papers and support them."""
        for chosen in selection.chosen[:3]:
            paper = selection.hits[chosen.number - 1].paper
            for start, end in chosen.spans[:1]:
                quote = paper.abstract[start:end]
                yield Draft(f"“{paper.title}”: {quote}", (Support(chosen.number, quote),))
