from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.paper_statement import MAX_CHARACTERS, to_statement


@pytest.mark.parametrize(
    ("sentence", "title", "text"),
    [
        ("In this paper, we fold towels.", "FoldIt: A Robot", "FoldIt: We fold towels."),
        ("Moreover, in this work, it folds 93% of them.", "FoldIt: A Robot", "FoldIt: It folds 93% of them."),
        ("RESULTS: FoldIt folds 93% of them.", "FoldIt: A Robot", "FoldIt folds 93% of them."),
        ("It folds 93% of them.", "A Robot that Folds Towels", "“A Robot that Folds Towels”: It folds 93% of them."),
        ("It is an art.", "What's the Magic Word? A Control Theory", "It is an art."),
        (r"We gain 4\% on M\"uller's set.", "FoldIt: A Robot", "FoldIt: We gain 4% on Müller's set."),
    ],
)
def test_a_statement_opens_with_the_papers_name_and_leads_somewhere(sentence: str, title: str, text: str) -> None:
    assert to_statement(sentence, title, with_name=True) == text


def test_a_second_statement_about_the_same_paper_does_not_name_it_again() -> None:
    assert to_statement("It folds 93% of them.", "FoldIt: A Robot", with_name=False) == "It folds 93% of them."


@given(st.text(max_size=2000), st.text(max_size=300), st.booleans())
def test_whatever_the_sentence_is_the_statement_has_a_bounded_length(
    sentence: str, title: str, with_name: bool
) -> None:
    assert len(to_statement(sentence, title, with_name=with_name)) <= MAX_CHARACTERS + len(" …")
