from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Answer, Citation, Statement
from bot.answering.answer_score import AnswerScore, average, average_by_kind, score_answers
from retrieval.evaluation import Dataset, Judgement, Query

if TYPE_CHECKING:
    from bot.answering.outcome import Outcome


def _dataset(*, answerable: bool = True, facts: tuple[str, ...] = (), borderline: tuple[str, ...] = ()) -> Dataset:
    """Make a dataset with one question, for which the papers a and b are right."""
    judgement = Judgement("q", answerable, "single", facts, frozenset(borderline))
    qrels = {"q": {"a": 1, "b": 1, "c": 0}} if answerable else {}
    return Dataset(Path("corpus.jsonl"), (Query("q", "?"),), qrels, {"q": judgement})


def _answer(*cited: tuple[str, str], confidence: float = 0.8, outcome: Outcome = "answered") -> Answer:
    """Make an answer that cites these papers with these quotes; without any it is a refusal."""
    citations = tuple(Citation(n, paper, paper, None, quote) for n, (paper, quote) in enumerate(cited, start=1))
    statements = tuple(Statement("So it is.", (citation.number,)) for citation in citations)
    return Answer("?", "?", outcome if cited else "refused", "extractive", confidence, statements, citations)


def _score(dataset: Dataset, answer: Answer) -> AnswerScore:
    (score,) = score_answers(dataset, {"q": answer})
    return score


def test_right_papers_count_once_however_often_they_are_cited() -> None:
    score = _score(_dataset(), _answer(("a", "x"), ("a", "y"), ("z", "x")))
    assert score.first_is_right
    assert score.measures == {
        "answerable_answered": 1.0,
        "answerable_claimed": 1.0,
        "helpful": 1.0,
        "first_citation_right": 1.0,
        "citation_recall": 0.5,
        "citation_precision": 0.5,
    }


def test_a_paper_judged_with_zero_is_wrong() -> None:
    score = _score(_dataset(), _answer(("c", "x")))
    assert not score.first_is_right
    assert score.measures["citation_precision"] == 0.0


def test_a_borderline_paper_is_neither_right_nor_wrong() -> None:
    measures = _score(_dataset(borderline=("z",)), _answer(("a", "x"), ("z", "y"))).measures
    assert measures["citation_precision"] == 1.0
    assert "citation_precision" not in _score(_dataset(borderline=("z",)), _answer(("z", "y"))).measures


def test_a_refusal_of_an_answerable_question_is_wrong_and_has_no_precision() -> None:
    score = _score(_dataset(facts=("it works",)), _answer(confidence=0.1))
    assert (score.refused, score.first_is_right, score.mean, score.confidence) == (True, False, 0.0, 0.1)
    assert "citation_precision" not in score.measures


@pytest.mark.parametrize(("cited", "refused"), [((), 1.0), ((("a", "x"),), 0.0)])
def test_an_unanswerable_question_is_judged_by_refusal_alone(
    cited: tuple[tuple[str, str], ...], refused: float
) -> None:
    score = _score(_dataset(answerable=False), _answer(*cited))
    assert score.measures == {"unanswerable_refused": refused, "unanswerable_unclaimed": refused}
    assert not score.first_is_right


def test_facts_are_found_inside_quotes_whatever_their_blanks_and_escapes() -> None:
    dataset = _dataset(facts=("92\\% of trials", "never said"))
    score = _score(dataset, _answer(("a", "It succeeds in 92%  of trials, mostly.")))
    assert score.measures["facts_quoted"] == 0.5


def test_a_question_that_was_not_asked_or_not_judged_has_no_score() -> None:
    assert score_answers(_dataset(), {}) == []
    assert score_answers(_dataset(), {"other": _answer()}) == []


def test_averages_are_over_the_scores_that_a_measure_applies_to() -> None:
    scores = [
        AnswerScore("1", "single", answerable=True, refused=False, confidence=1, measures={"citation_recall": 1.0}),
        AnswerScore("2", "list", answerable=True, refused=False, confidence=1, measures={"citation_recall": 0.5}),
        AnswerScore("3", "far", answerable=False, refused=True, confidence=0, measures={"unanswerable_refused": 1.0}),
    ]
    assert average(scores) == {"citation_recall": 0.75, "unanswerable_refused": 1.0}
    assert average_by_kind(scores) == {
        "far": {"count": 1, "unanswerable_refused": 1.0},
        "list": {"count": 1, "citation_recall": 0.5},
        "single": {"count": 1, "citation_recall": 1.0},
    }
    assert average([]) == {}
