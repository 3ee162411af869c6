"""What is chosen for an answer over the shipped papers: outcomes, papers and sentences."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from bot.answering.assessor import MOST_LISTED, MOST_SENTENCES, Assessor
from bot.answering.reading.kind import Kind
from bot.answering.reading.question import Reader
from retrieval.text.text import fold, sentences

if TYPE_CHECKING:
    from bot.answering.evidence.selection import Selection
    from retrieval.library import Library


async def assess(library: Library, text: str, kind: Kind | None = None) -> Selection:
    question = await Reader(library, lambda: dt.date(2026, 11, 26)).read(text)
    if kind:
        question = question.of_kind(kind)
    hits = await library.search(question.text, limit=20, vectors=question.vectors)
    return await Assessor(library).assess(question, hits)


def titles(selection: Selection) -> list[str]:
    return [selection.hits[chosen.number - 1].paper.title for chosen in selection.chosen]


def quotes(selection: Selection) -> list[str]:
    papers = [(selection.hits[chosen.number - 1].paper, chosen.spans) for chosen in selection.chosen]
    return [paper.abstract[start:end] for paper, spans in papers for start, end in spans]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (
            "accuracy on Colored Objects before and after the four-head intervention?",
            "boost accuracy from 49.6% to 93.7% on the Colored Objects task",
        ),
        ("how many samples did the backtracking-style training need for its gain on MATH?", "327 training samples"),
        ("less is more patch tokens multi label class incremental, where's the code repo", "https://github.com/"),
        ("why is PPO said to be superior to off-policy value-based methods for language models?", "almost) on-policy"),
    ],
)
async def test_the_sentence_with_the_fact_asked_for_is_quoted(seeded: Library, text: str, fact: str) -> None:
    selection = await assess(seeded, text, Kind.FACT)
    assert selection.outcome != "refused"
    assert any(fold(fact) in fold(quote) for quote in quotes(selection))


@pytest.mark.parametrize("text", ["what is PASTA", "all on diffusion models", "how do the two differ?", "robots"])
async def test_whatever_is_chosen_is_a_whole_sentence_of_its_paper(seeded: Library, text: str) -> None:
    selection = await assess(seeded, text)
    for chosen in selection.chosen:
        spans = sentences(selection.hits[chosen.number - 1].paper.abstract)
        assert set(chosen.spans) <= set(spans)
        assert len(chosen.spans) <= MOST_SENTENCES


@pytest.mark.parametrize("text", ["good carbonara recipe without cream?", "asdfghjkl", "who won the world cup in 1998"])
async def test_what_no_paper_is_about_is_refused_without_papers(seeded: Library, text: str) -> None:
    selection = await assess(seeded, text)
    assert (selection.outcome, selection.chosen) == ("refused", ())


async def test_a_list_has_one_sentence_a_paper_and_ends_at_ten(seeded: Library) -> None:
    selection = await assess(seeded, "which papers work on EEG recordings?", Kind.LIST)
    named = titles(selection)
    assert any("Nigerian Schizophrenia EEG" in title for title in named)
    assert len(named) == len(set(named)) >= 2
    assert all(len(chosen.spans) == 1 for chosen in selection.chosen)
    everything = await assess(seeded, "papers on language models", Kind.LIST)
    assert len(everything.chosen) <= MOST_LISTED


async def test_a_comparison_has_a_word_from_each_side(seeded: Library) -> None:
    selection = await assess(seeded, "compare MoCapAct with AnyControl", Kind.COMPARISON)
    assert {title.split(":")[0] for title in titles(selection)} == {"MoCapAct", "AnyControl"}


async def test_a_side_that_no_paper_holds_is_named(seeded: Library) -> None:
    selection = await assess(seeded, "compare MoCapAct with Zanzibar Tulips", Kind.COMPARISON)
    assert any(title.startswith("MoCapAct") for title in titles(selection))
    assert any("Zanzibar Tulips" in remark for remark in selection.remarks)


async def test_a_summary_of_a_named_paper_goes_through_it_without_its_links(seeded: Library) -> None:
    selection = await assess(seeded, "summarize SERL", Kind.SUMMARY)
    assert len(titles(selection)) == 1
    assert titles(selection)[0].startswith("SERL")
    said = quotes(selection)
    assert 3 <= len(said) <= 4
    assert not any("http" in quote for quote in said)


async def test_what_is_ruled_out_is_left_out_and_said(seeded: Library) -> None:
    selection = await assess(seeded, "papers on humanoids, not motion capture", Kind.LIST)
    assert not any(title.startswith("MoCapAct") for title in titles(selection))
