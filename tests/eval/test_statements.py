"""True and false statements over seeds/, half of them written before the checks that judge them and half after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from statements import HALVES, checked, judged, read

from bot.answering.checks import Checked
from retrieval.quotes import locate
from retrieval.text import clean

if TYPE_CHECKING:
    from retrieval.papers import Paper

MOST_TRUE = 0.9
FEWEST_FALSE = 0.25


@pytest.mark.parametrize("half", HALVES)
def test_every_quote_stands_in_its_paper_so_that_only_the_statement_can_be_wrong(half: str, seeds: list[Paper]) -> None:
    for statement in read(half):
        for title, quote in statement.supports:
            (paper,) = (paper for paper in seeds if paper.title.startswith(title))
            assert locate(quote, paper.abstract), quote


@pytest.mark.parametrize("half", HALVES)
def test_true_statements_pass_and_false_ones_are_not_shown(half: str, seeds: list[Paper]) -> None:
    statements = read(half)
    for true in (True, False):
        outcomes = [judged(statement, seeds) for statement in statements if statement.true == true]
        assert len(outcomes) >= 75
        passed = sum(outcome == "passes" for outcome, _ in outcomes) / len(outcomes)
        assert passed >= MOST_TRUE if true else passed <= FEWEST_FALSE


def test_what_is_doubtful_is_shown_as_the_papers_own_sentence(seeds: list[Paper]) -> None:
    abstracts = [clean(paper.abstract) for paper in seeds]
    outcomes = [checked(statement, seeds) for statement in read("first")]
    doubtful = [outcome for outcome in outcomes if isinstance(outcome, Checked) and outcome.doubtful]
    assert len(doubtful) >= 40
    for outcome in doubtful:
        quotes = outcome.as_quotes()
        assert quotes
        for quote in quotes:
            assert any(quote.text in abstract for abstract in abstracts)
            assert not quote.doubtful
