from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Draft
from bot.answering.checks import Checked, check
from bot.answering.evidence.selection import Chosen, Selection
from bot.answering.extractive import ExtractiveWriter
from retrieval.papers import Evidence, Hit, Paper
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence


def hit(title: str, abstract: str) -> Hit:
    evidence = Evidence(cosine=0.5, sentence_cosine=0.5, bm25=1.0, bm25_share=0.5, coverage=0.5)
    return Hit(Paper(fold(title), title, abstract, "test"), score=1.0, passages=(), sentences=(), evidence=evidence)


def whole(hits: Sequence[Hit]) -> Selection:
    """Select every abstract whole, as one sentence."""
    chosen = tuple(
        Chosen(number, ((0, len(hit.paper.abstract)),) if hit.paper.abstract else ())
        for number, hit in enumerate(hits, start=1)
    )
    return Selection("answered", 1.0, tuple(hits), chosen)


async def written(*hits: Hit) -> list[Draft]:
    return [draft async for draft in ExtractiveWriter().write("?", whole(hits)) if isinstance(draft, Draft)]


async def test_the_same_sentence_of_two_papers_is_said_once() -> None:
    same = "We release a dataset of robot demonstrations for imitation learning."
    assert len(await written(hit("First", same), hit("Second", same))) == 1


async def test_the_paper_is_named_and_its_sentence_stays_verbatim_in_the_quote() -> None:
    (draft,) = await written(hit("A Robot that Folds Towels", "However, it folds 93% of the towels within a minute."))
    assert draft.text == "“A Robot that Folds Towels”: It folds 93% of the towels within a minute."
    assert draft.supports[0].quote == "However, it folds 93% of the towels within a minute."


async def test_a_paper_without_an_abstract_is_quoted_by_its_title() -> None:
    (draft,) = await written(hit("A Robot that Folds Towels", ""))
    assert draft.supports[0].quote == "A Robot that Folds Towels"


@pytest.mark.parametrize("count", [1, 30, 60])
async def test_a_sentence_longer_than_a_statement_may_be_is_cut_and_still_passes_the_checks(count: int) -> None:
    one = hit("On Towels", "We fold " + ", ".join(f"towels of the size {n}" for n in range(count)) + " and more.")
    (draft,) = await written(one)
    assert isinstance(check(draft, [one]), Checked)


async def test_only_the_first_statement_about_a_paper_names_it() -> None:
    one = hit("FoldIt: A Robot", "We fold towels. We fold shirts.")
    selection = Selection("answered", 1.0, (one,), (Chosen(1, ((0, 15), (16, 31))),))
    drafts = [draft async for draft in ExtractiveWriter().write("?", selection) if isinstance(draft, Draft)]
    assert [draft.text for draft in drafts] == ["FoldIt: We fold towels.", "We fold shirts."]
