from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.answerer import Answerer
from bot.answering.clarify import LONGEST_PHRASE, MOST_CHOICES, missing, phrases_of
from bot.answering.conversation import Exchange
from bot.answering.extractive import ExtractiveWriter
from retrieval.text import fold

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.papers import Paper

BROAD = ["tell me about robots", "LLMs?", "reinforcement learning?", "what about transformers", "agents"]


@pytest.fixture
def answerer(seeded: Library) -> Answerer:
    return Answerer(seeded, ExtractiveWriter(seeded.embedder))


async def test_a_broad_question_is_asked_back_with_phrases_of_different_papers(
    answerer: Answerer, seeds: list[Paper]
) -> None:
    titles = [fold(paper.title) for paper in seeds]
    for question in BROAD:
        answer = await answerer.answer(question)
        assert (answer.clarifying, answer.refused, answer.statements) == (True, True, ()), question
        assert answer.text.endswith("?")
        assert 2 <= len(answer.choices) <= MOST_CHOICES
        assert all(any(fold(choice) in title for title in titles) for choice in answer.choices)
        assert answer.to_json()["choices"] == list(answer.choices)
        assert answer.to_json()["clarifying"] is True


async def test_a_question_that_names_a_paper_or_asks_for_a_list_is_not_asked_back(answerer: Answerer) -> None:
    for question in (
        "what is PASTA",
        "tell me about the GUIDE dataset",
        "everything you have on diffusion models please",
        "is there any EEG stuff?",
        "how many Minecraft tasks are there?",
        "UI automation coordinator executor feasibility completeness security",
        "taskmatrix.ai short overview please",
    ):
        answer = await answerer.answer(question)
        assert not answer.clarifying, question


async def test_nobody_is_asked_back_twice_in_a_row(answerer: Answerer) -> None:
    first = await answerer.answer("robots?")
    assert first.clarifying
    second = await answerer.answer("agents?", [Exchange.of(first)])
    assert not second.clarifying


async def test_a_choice_taken_by_its_number_is_answered(answerer: Answerer) -> None:
    first = await answerer.answer("tell me about robots")
    for number, choice in enumerate(first.choices, start=1):
        answer = await answerer.answer(str(number), [Exchange.of(first)])
        assert not answer.refused, choice
        assert answer.standalone_question == choice


async def test_a_refusal_names_what_is_missing_and_offers_questions_that_are_answered(answerer: Answerer) -> None:
    refusal = await answerer.answer("What is the capital of Australia?")
    assert "“Australia”" in refusal.text
    assert len(refusal.nearest) == 3
    assert 1 <= len(refusal.choices) <= MOST_CHOICES
    assert not refusal.clarifying
    assert not (await answerer.answer(refusal.choices[0])).refused


async def test_small_talk_gets_a_sentence_and_nothing_else(answerer: Answerer) -> None:
    answer = await answerer.answer("hii bot how are you today :)")
    assert answer.text.startswith("I answer questions about papers")
    assert (answer.nearest, answer.choices) == ((), ())


async def test_a_refusal_repeats_only_letters_and_digits_of_the_question(seeded: Library) -> None:
    hits = await seeded.search("weather", limit=5)
    text = missing("@everyone <@123456> [wether](https://evil.example) \u200b\u202e in **Berlin**", hits)
    assert not set("@<>[](*\u200b\u202e/") & set(text)


@given(st.text(max_size=300))
def test_phrases_stand_in_their_title_in_one_line_and_fit_a_button(title: str) -> None:
    for phrase in phrases_of(title):
        assert 0 < len(phrase) <= LONGEST_PHRASE
        assert phrase == " ".join(phrase.split())


@given(st.text(max_size=300))
def test_without_a_hit_a_refusal_says_only_that(question: str) -> None:
    assert missing(question, []) == "The papers here do not answer that."
