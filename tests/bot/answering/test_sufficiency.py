from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.extractive import ExtractiveWriter
from bot.answering.question import read_question
from bot.answering.sufficiency import SUFFICIENT, Gap, missing_words, sufficiency

if TYPE_CHECKING:
    from retrieval.library import Library

PAPER = ["A Robot that Folds Towels", "The robots of our lab fold 93% of the towels.", "LLMs plan with GPT-4o."]


def test_words_count_as_held_in_other_forms_and_with_a_slip() -> None:
    assert missing_words(read_question("do robots fold towells in labs with an LLM?"), PAPER) == ()
    assert missing_words(read_question("folding of twoels"), PAPER) == ()
    assert missing_words(read_question("GPT-4o planning"), PAPER) == ()


def test_words_that_the_paper_lacks_are_named_as_they_were_written() -> None:
    assert missing_words(read_question("how often does Mixtral iron shirts?"), PAPER) == ("Mixtral", "iron", "shirts")


def test_examples_of_what_is_to_be_listed_need_not_all_be_held() -> None:
    assert missing_words(read_question("papers on robots (arms, legs, wheels)"), PAPER) == ()
    assert "legs" in missing_words(read_question("how many legs (or wheels) do the robots have?"), PAPER)


def test_of_alternatives_with_a_slash_one_is_enough() -> None:
    assert missing_words(read_question("do the robots fold towels / duvets?"), PAPER) == ()
    assert missing_words(read_question("do the robots iron shirts / duvets?"), PAPER) == ("iron", "shirts", "duvets")


def test_a_name_that_is_missing_or_a_number_that_is_not_there_lowers_the_odds() -> None:
    whole = Gap(strange=0.0, missing=0.0, unnamed=0.0, unnumbered=0.0, nearest=0.6, held=1.0)
    for model in ("all-MiniLM-L6-v2", "some-new-model"):
        assert sufficiency(whole, model) > SUFFICIENT
        unnamed = Gap(0.2, 0.7, unnamed=1.0, unnumbered=0.0, nearest=0.6, held=0.5)
        unnumbered = Gap(0.0, 0.0, unnamed=0.0, unnumbered=1.0, nearest=0.6, held=1.0)
        assert sufficiency(unnamed, model) < sufficiency(whole, model)
        assert sufficiency(unnumbered, model) < sufficiency(whole, model)


@pytest.mark.parametrize(
    "question",
    [
        "does MoCapAct include finger and hand tracking?",
        "how many tonnes of CO2 did training GPT-3 emit",
        "does switching off experts also work on mixtral or qwen moe?",
        "how many gpus were needed to train the MoCapAct experts?",
        "what FID does BoundaryDiffusion get on ImageNet?",
        "mAP of MULTI-LANE on COCO and VOC?",
    ],
)
async def test_the_extractive_writer_says_nothing_on_a_near_miss(seeded: Library, question: str) -> None:
    writer = ExtractiveWriter(seeded.embedder)
    hits = await seeded.search(question)
    assert [draft async for draft in writer.write(question, hits)] == []


@pytest.mark.parametrize(
    "question",
    [
        "how many hours of mocap can the released humanoid agents follow?",
        "which llms were tested on the capture the flag tasks?",
        "compare MoCapAct with AnyControl",
        "is there any EEG stuff?",
        "do you have to train an extra network to edit pictures with a diffusion model?",
    ],
)
async def test_the_extractive_writer_answers_what_the_paper_says_in_whatever_words(
    seeded: Library, question: str
) -> None:
    writer = ExtractiveWriter(seeded.embedder)
    hits = await seeded.search(question)
    assert [draft async for draft in writer.write(question, hits)]
