"""A conversation goes on after one of its papers has been removed from the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.answering.answerer import Answerer
from bot.answering.conversation import Exchange
from bot.answering.extractive import ExtractiveWriter

if TYPE_CHECKING:
    from retrieval.library import Library

QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"


async def test_what_was_taken_out_is_quoted_no_more_and_stops_no_conversation(seeded: Library) -> None:
    answerer = Answerer(seeded, ExtractiveWriter())
    first = await answerer.answer(QUESTION)
    cited = {citation.paper_id for citation in first.citations}
    assert cited
    await seeded.remove(cited)
    for question in ("who wrote it?", "how do they measure that?", QUESTION):
        answer = await answerer.answer(question, [Exchange.of(first)])
        assert cited.isdisjoint(citation.paper_id for citation in answer.citations)
        assert cited.isdisjoint(near.paper_id for near in answer.nearest)
    assert first.citations  # an answer already given does not change
    assert len((await seeded.restore(cited)).back) == len(cited)
    again = await answerer.answer(QUESTION)
    assert (again.statements, again.citations) == (first.statements, first.citations)
