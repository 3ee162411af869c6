"""The interface of writers: the extractive one and the language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.answering.answer import Draft
    from bot.answering.evidence.selection import Selection
    from bot.answering.outcome import WriterName
    from bot.llm import Usage


class AnswerWriter(Protocol):
    """Write drafts from the given papers; none means that the papers do not suffice."""

    name: WriterName

    def write(self, question: str, selection: Selection, /) -> AsyncGenerator[Draft | Usage]:
        """Yield drafts as they come, and the usage once it is known.

        Paper numbers count `selection.hits` from 1. Raises WriterError if the writer itself fails.
        """
        ...
