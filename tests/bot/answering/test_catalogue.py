from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from retrieval.papers import Paper

if TYPE_CHECKING:
    from retrieval.library import Library

ROBOTS = Paper("arxiv:2401.00001", "Robots that fold laundry", "A robot folds shirts after ten demonstrations.", "test")
AGENTS = Paper("arxiv:2402.00002", "Agents that browse shops", "An agent buys shoes in web shops.", "test")
UNDATED = Paper("local-1", "Tides of rivers", "Rivers rise with the tide and fall again.", "test")


@pytest.fixture
async def dated(library: Library) -> Answerer:
    await library.add(
        [
            replace(ROBOTS, published=dt.date(2024, 1, 5)),
            replace(AGENTS, published=dt.date(2024, 2, 6)),
            UNDATED,
        ]
    )
    return Answerer(library, ExtractiveWriter(), today=lambda: dt.date(2024, 3, 1))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("how many papers were published in 2024?", "2 papers here are from that time. One has no date."),
        ("how many papers from January 2024?", "One paper here is from that time. One has no date."),
        ("how many papers do you have?", "There are 3 papers here."),
    ],
)
async def test_papers_are_counted_by_the_catalogue(dated: Answerer, question: str, said: str) -> None:
    answer = await dated.answer(question)
    assert answer.outcome == "answered"
    assert answer.statements[0].text == said


@pytest.mark.parametrize("question", ["how many papers from 1987?", "how many papers about robots in 1987?"])
async def test_a_time_without_papers_is_not_answered_with_the_size_of_the_library(
    dated: Answerer, question: str
) -> None:
    answer = await dated.answer(question)
    assert answer.outcome == "refused"
    assert not answer.citations
