"""True and false statements about seeds/, some written before the checks that judge them and some after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.checks import Checked
from retrieval.text.quotes import locate
from retrieval.text.text import clean
from tests.statements import SETS, checked, judged, read

if TYPE_CHECKING:
    from retrieval.papers import Paper

# The least share of true statements that pass, the greatest share of false ones that do, and the number of each.
FLOORS = {"first": (0.9, 0.25, 75), "second": (0.9, 0.25, 75), "third": (0.8, 0.25, 30)}


@pytest.mark.parametrize("name", SETS)
def test_every_quote_stands_in_its_paper_so_that_only_the_statement_can_be_wrong(name: str, seeds: list[Paper]) -> None:
    for statement in read(name):
        for title, quote in statement.supports:
            (paper,) = (paper for paper in seeds if paper.title.startswith(title))
            assert locate(quote, paper.abstract), quote


@pytest.mark.parametrize("name", SETS)
def test_true_statements_pass_and_false_ones_are_not_shown(name: str, seeds: list[Paper]) -> None:
    statements = read(name)
    least, most, count = FLOORS[name]
    for true in (True, False):
        outcomes = [judged(statement, seeds) for statement in statements if statement.true == true]
        assert len(outcomes) >= count
        passed = sum(outcome == "passes" for outcome, _ in outcomes) / len(outcomes)
        assert passed >= least if true else passed <= most


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
