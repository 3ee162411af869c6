from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Answer, Citation, Statement
from bot.answering.verdict import Verdict, average, average_by_kind, judge_each
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


def _judge(dataset: Dataset, answer: Answer) -> Verdict:
    (verdict,) = judge_each(dataset, {"q": answer})
    return verdict


def test_right_papers_count_once_however_often_they_are_cited() -> None:
    verdict = _judge(_dataset(), _answer(("a", "x"), ("a", "y"), ("z", "x")))
    assert verdict.right
    assert verdict.measures == {
        "answerable_answered": 1.0,
        "answerable_claimed": 1.0,
        "helpful": 1.0,
        "first_citation_right": 1.0,
        "citation_recall": 0.5,
        "citation_precision": 0.5,
    }


def test_a_paper_judged_with_zero_is_wrong() -> None:
    verdict = _judge(_dataset(), _answer(("c", "x")))
    assert not verdict.right
    assert verdict.measures["citation_precision"] == 0.0


def test_a_borderline_paper_is_neither_right_nor_wrong() -> None:
    measures = _judge(_dataset(borderline=("z",)), _answer(("a", "x"), ("z", "y"))).measures
    assert measures["citation_precision"] == 1.0
    assert "citation_precision" not in _judge(_dataset(borderline=("z",)), _answer(("z", "y"))).measures


def test_a_refusal_of_an_answerable_question_is_wrong_and_has_no_precision() -> None:
    verdict = _judge(_dataset(facts=("it works",)), _answer(confidence=0.1))
    assert (verdict.refused, verdict.right, verdict.score, verdict.confidence) == (True, False, 0.0, 0.1)
    assert "citation_precision" not in verdict.measures


@pytest.mark.parametrize(("cited", "refused"), [((), 1.0), ((("a", "x"),), 0.0)])
def test_an_unanswerable_question_is_judged_by_refusal_alone(
    cited: tuple[tuple[str, str], ...], refused: float
) -> None:
    verdict = _judge(_dataset(answerable=False), _answer(*cited))
    assert verdict.measures == {"unanswerable_refused": refused, "unanswerable_unclaimed": refused}
    assert not verdict.right


def test_facts_are_found_inside_quotes_whatever_their_blanks_and_escapes() -> None:
    dataset = _dataset(facts=("92\\% of trials", "never said"))
    verdict = _judge(dataset, _answer(("a", "It succeeds in 92%  of trials, mostly.")))
    assert verdict.measures["facts_quoted"] == 0.5


def test_a_question_that_was_not_asked_or_not_judged_has_no_verdict() -> None:
    assert judge_each(_dataset(), {}) == []
    assert judge_each(_dataset(), {"other": _answer()}) == []


def test_averages_are_over_the_verdicts_that_a_measure_applies_to() -> None:
    verdicts = [
        Verdict("1", "single", answerable=True, refused=False, confidence=1, measures={"citation_recall": 1.0}),
        Verdict("2", "list", answerable=True, refused=False, confidence=1, measures={"citation_recall": 0.5}),
        Verdict("3", "far", answerable=False, refused=True, confidence=0, measures={"unanswerable_refused": 1.0}),
    ]
    assert average(verdicts) == {"citation_recall": 0.75, "unanswerable_refused": 1.0}
    assert average_by_kind(verdicts) == {
        "far": {"count": 1, "unanswerable_refused": 1.0},
        "list": {"count": 1, "citation_recall": 0.5},
        "single": {"count": 1, "citation_recall": 1.0},
    }
    assert average([]) == {}
