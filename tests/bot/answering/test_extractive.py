from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from bot.answering.question import read_question

from bot.answering.answer import Draft
from bot.answering.checks import Checked, check
from bot.answering.extractive import MOST_PAPERS, MOST_SENTENCES, ExtractiveWriter, choose_papers, choose_sentences
from retrieval.papers import Evidence, Hit, Paper
from retrieval.text import fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library


async def written(library: Library, question: str) -> tuple[list[Draft], list[Hit]]:
    hits = await library.search(question)
    writer = ExtractiveWriter()
    return [draft async for draft in writer.write(question, hits) if isinstance(draft, Draft)], hits


def titles(drafts: Sequence[Draft], hits: Sequence[Hit]) -> list[str]:
    return [hits[draft.supports[0].paper_number - 1].paper.title for draft in drafts]


def hit(title: str, abstract: str, *, cosine: float = 0.5, share: float = 0.5) -> Hit:
    paper = Paper(fold(title), title, abstract, "test")
    evidence = Evidence(cosine=cosine, sentence_cosine=cosine, bm25=1.0, bm25_share=share, coverage=0.5)
    return Hit(paper, score=1.0, passages=(), sentences=(), evidence=evidence)


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        (
            "accuracy on Colored Objects before and after the four-head intervention?",
            "boost accuracy from 49.6% to 93.7% on the Colored Objects task",
        ),
        ("how many samples did the backtracking-style training need for its gain on MATH?", "327 training samples"),
        ("less is more patch tokens multi label class incremental, where's the repo", "https://github.com/"),
        ("why is PPO said to be superior to off-policy value-based methods for language models?", "almost) on-policy"),
    ],
)
async def test_the_sentence_with_the_fact_asked_for_is_quoted(seeded: Library, question: str, fact: str) -> None:
    drafts, _ = await written(seeded, question)
    assert any(fold(fact) in fold(draft.supports[0].quote) for draft in drafts)


@pytest.mark.parametrize(
    "question",
    ["what is PASTA", "everything you have on diffusion models", "how do the two humanoid papers differ?"],
)
async def test_every_draft_is_a_sentence_of_its_paper_and_passes_the_checks(seeded: Library, question: str) -> None:
    drafts, hits = await written(seeded, question)
    assert drafts
    for draft in drafts:
        (support,) = draft.supports
        abstract = hits[support.paper_number - 1].paper.abstract
        assert support.quote in {abstract[start:end] for start, end in sentences(abstract)}
        assert isinstance(check(draft, hits), Checked)


async def test_a_single_question_is_answered_from_one_paper_in_few_sentences(seeded: Library) -> None:
    drafts, hits = await written(seeded, "is continued pre-training on task texts always of benefit?")
    assert 1 <= len(drafts) <= MOST_SENTENCES
    assert len(set(titles(drafts, hits))) == 1


async def test_a_list_gives_one_sentence_for_each_paper(seeded: Library) -> None:
    drafts, hits = await written(seeded, "which papers work on EEG recordings?")
    named = titles(drafts, hits)
    assert len(named) == len(set(named)) >= 2
    assert any("Nigerian Schizophrenia EEG" in title for title in named)
    assert any("Brain" in title for title in named)


async def test_a_comparison_has_a_word_from_each_side(seeded: Library) -> None:
    drafts, hits = await written(seeded, "compare MoCapAct with AnyControl")
    assert {title.split(":")[0] for title in titles(drafts, hits)} == {"MoCapAct", "AnyControl"}


async def test_the_same_sentence_of_two_papers_is_said_once(seeded: Library) -> None:
    same = "We release a dataset of robot demonstrations for imitation learning."
    hits = [hit("First", same), hit("Second", same)]
    writer = ExtractiveWriter()
    drafts = [draft async for draft in writer.write("which papers release datasets of demonstrations?", hits)]
    assert len(drafts) == 1


async def test_it_is_resolved_by_naming_the_paper(seeded: Library) -> None:
    hits = [hit("A Robot that Folds Towels", "However, it folds 93% of the towels within a minute.")]
    writer = ExtractiveWriter()
    (draft,) = [draft async for draft in writer.write("how many towels does it fold?", hits)]
    assert isinstance(draft, Draft)
    assert draft.text == "In “A Robot that Folds Towels”, it folds 93% of the towels within a minute."
    assert draft.supports[0].quote == "However, it folds 93% of the towels within a minute."


async def test_a_paper_without_an_abstract_is_quoted_by_its_title(seeded: Library) -> None:
    writer = ExtractiveWriter()
    (draft,) = [draft async for draft in writer.write("towels?", [hit("A Robot that Folds Towels", "")])]
    assert isinstance(draft, Draft)
    assert draft.supports[0].quote == "A Robot that Folds Towels"


async def test_a_sentence_longer_than_a_statement_may_be_is_cut_and_still_passes_the_checks(seeded: Library) -> None:
    hits = [hit("On Towels", "We fold " + ", ".join(f"towels of the size {n}" for n in range(30)) + " and more.")]
    writer = ExtractiveWriter()
    (draft,) = [draft async for draft in writer.write("which towels do they fold?", hits)]
    assert isinstance(draft, Draft)
    assert isinstance(check(draft, hits), Checked)


async def test_without_hits_nothing_is_written(seeded: Library) -> None:
    writer = ExtractiveWriter()
    for question in ("what is PASTA", "which papers use robots", "compare DPO and PPO"):
        assert [draft async for draft in writer.write(question, [])] == []


def test_a_list_ends_where_papers_no_longer_stand_out_from_the_crowd() -> None:
    strong = [hit(f"strong {n}", "", cosine=0.6, share=0.4) for n in range(2)]
    crowd = [hit(f"weak {n}", "", cosine=0.2, share=0.1) for n in range(8)]
    assert choose_papers(read_question("which papers fold towels"), [*strong, *crowd]) == (0, 1)


def test_a_list_of_equals_stops_at_the_most_that_a_person_reads() -> None:
    equals = [hit(f"paper {n}", "") for n in range(10)]
    assert len(choose_papers(read_question("which papers fold towels"), equals)) == MOST_PAPERS


def test_a_comparison_within_one_paper_stays_with_that_paper() -> None:
    hits = [hit("MoTE", "Unlike SAEs, MoTE needs no training."), hit("SAE", "SAEs are trained.")]
    assert choose_papers(read_question("MoTE vs SAEs, whats the difference"), hits) == (0,)


def test_one_clear_sentence_is_enough_and_equal_ones_are_bounded() -> None:
    assert choose_sentences(np.array([0.0, 9.0, 0.0]), MOST_SENTENCES) == (1,)
    assert len(choose_sentences(np.zeros(20), MOST_SENTENCES)) == MOST_SENTENCES
