"""The extractive writer: answers with the chosen sentences, verbatim; needs no language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.answering.answer import Draft, Support
from bot.answering.paper_statement import to_statement
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.answering.evidence.selection import Selection
    from bot.answering.outcome import WriterName
    from bot.llm import Usage

LONGEST_QUOTE: Final = 1000  # characters, as in the checks


class ExtractiveWriter:
    """Quote the chosen sentences."""

    name: WriterName = "extractive"

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:  # noqa: ARG002
        """Yield one draft per sentence, each sentence once; paper numbers count the selection's hits from 1."""
        written: set[str] = set()
        for chosen in selection.chosen:
            paper = selection.hits[chosen.number - 1].paper
            quotes = [paper.abstract[start:end] for start, end in chosen.spans] or [paper.title]
            with_name = True
            for quote in quotes:
                if fold(quote) in written:
                    continue
                written.add(fold(quote))
                text = to_statement(quote, paper.title, with_name=with_name)
                with_name = False
                yield Draft(text, (Support(chosen.number, quote[:LONGEST_QUOTE]),))
