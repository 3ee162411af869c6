from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.answering.confidence import THRESHOLD, confidence

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.papers import Paper

ANSWERABLE = [
    "has anyone shown that a dynamics net with better one-step likelihood doesnt actually give a better controller?",
    "which off-the-shelf VLM generated the curriculum for the actor-critic, and was it finetuned?",
    "is there any EEG stuff?",
    "MoCapAct - whats actually inside the dataset?",
]
FAR_OFF = [
    "whats the weather like in berlin tomorrow",
    "What is the capital of Australia?",
    "asdfghjkl",
    "ban @jonas he is annoying",
    "best pasta recipe with tomatoes",
    "how do I renew my passport",
]


@pytest.mark.parametrize("question", ANSWERABLE)
async def test_a_question_that_the_papers_answer_passes(seeded: Library, question: str) -> None:
    hits = await seeded.search(question)
    assert confidence(question, hits, seeded.embedder.model) >= THRESHOLD


@pytest.mark.parametrize("question", FAR_OFF)
async def test_a_question_far_from_every_paper_is_stopped(seeded: Library, question: str) -> None:
    hits = await seeded.search(question)
    assert confidence(question, hits, seeded.embedder.model) < THRESHOLD


async def test_a_greeting_is_certainly_not_held_whatever_was_found(seeded: Library) -> None:
    hits = await seeded.search("Universal Humanoid Motion Representations")
    assert confidence("hii bot how are you today :)", hits, seeded.embedder.model) == 0.0


def test_nothing_found_is_no_confidence() -> None:
    assert confidence("what is MoCapAct?", [], "all-MiniLM-L6-v2") == 0.0


async def test_a_library_of_one_paper_answers_about_it_and_nothing_else(library: Library, seeds: list[Paper]) -> None:
    await library.add([paper for paper in seeds if paper.title.startswith("MoCapAct")])

    async def sureness(question: str) -> float:
        return confidence(question, await library.search(question), library.embedder.model)

    assert await sureness("MoCapAct - whats actually inside the dataset?") >= THRESHOLD
    assert await sureness("how do electric motors get simulated in python?") < THRESHOLD
    assert await sureness("What is the capital of Australia?") < THRESHOLD


async def test_an_unknown_model_is_judged_by_words_whatever_its_cosines_are(seeded: Library) -> None:
    asked, far = "dataset of experts tracking mocap for humanoids", "whats the weather like in berlin tomorrow"
    hits = await seeded.search(asked)
    shifted = [replace(hit, evidence=replace(hit.evidence, cosine=0.99)) for hit in hits]
    assert confidence(asked, hits, "some-new-model") == confidence(asked, shifted, "some-new-model") >= THRESHOLD
    assert confidence(far, await seeded.search(far), "some-new-model") < THRESHOLD
