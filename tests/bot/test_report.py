from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.__main__ import main
from bot.answering.answer import Answer, Citation, Statement
from bot.console import printable
from bot.report.evaluation_run import Evaluation
from bot.report.figures import (
    area,
    calibration,
    coverage_curve,
    expected_calibration_error,
    trade_at,
    wilson,
)
from bot.report.html_tree import node
from bot.report.page import render
from bot.report.pictures import draw_refusal, draw_reliability
from retrieval.evaluation import Dataset, Judgement, Query
from retrieval.papers import Evidence, Hit, Paper

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt; \"quoted' \u202eback ]]> <!-- </style>"
VOID = {"meta"}

confidences = st.floats(0, 1)
predictions = st.lists(st.tuples(confidences, st.booleans()))
some = st.lists(confidences, min_size=1, max_size=30)


@given(predictions)
def test_every_prediction_is_in_one_bin_that_spans_it(made: list[tuple[float, bool]]) -> None:
    bins = calibration(made)
    assert sum(each.count for each in bins) == len(made)
    assert sum(each.count * each.share for each in bins) == pytest.approx(sum(true for _, true in made))
    assert sum(each.count * each.confidence for each in bins) == pytest.approx(sum(value for value, _ in made))
    for each in bins:
        assert each.low - 1e-9 <= each.confidence <= each.high + 1e-9
        assert 0 <= each.least <= each.share <= each.most <= 1
    assert [each.low for each in bins] == sorted({each.low for each in bins})


@given(predictions)
def test_the_calibration_error_is_a_share(made: list[tuple[float, bool]]) -> None:
    assert 0 <= expected_calibration_error(calibration(made)) <= 1


def test_the_calibration_error_is_what_its_definition_says() -> None:
    made = [(0.92, True)] * 9 + [(0.92, False)] + [(0.35, False)] * 10
    assert expected_calibration_error(calibration(made)) == pytest.approx(0.5 * 0.02 + 0.5 * 0.35)


@given(st.integers(1, 40), st.data())
def test_more_questions_make_an_interval_narrower(count: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, count)) / count
    least, most = wilson(share, count)
    closer = wilson(share, count * 4)
    assert closer[1] - closer[0] < most - least


@given(some, some)
def test_a_higher_threshold_answers_less_and_refuses_more(answerable: list[float], unanswerable: list[float]) -> None:
    curve = coverage_curve(answerable, unanswerable)
    assert (curve[0].answered, curve[0].refused) == (1.0, 0.0)
    assert (curve[-1].answered, curve[-1].refused) == (0.0, 1.0)
    assert [trade.threshold for trade in curve] == sorted({trade.threshold for trade in curve})
    assert [trade.answered for trade in curve] == sorted((trade.answered for trade in curve), reverse=True)
    assert [trade.refused for trade in curve] == sorted(trade.refused for trade in curve)


@given(some, some, confidences)
def test_any_threshold_is_on_the_curve(answerable: list[float], unanswerable: list[float], threshold: float) -> None:
    trade = trade_at(threshold, answerable, unanswerable)
    assert (trade.answered, trade.refused) in {
        (each.answered, each.refused) for each in coverage_curve(answerable, unanswerable)
    }


@given(some, some)
def test_the_area_is_how_often_an_answerable_question_is_ahead(
    answerable: list[float], unanswerable: list[float]
) -> None:
    ahead = [(a > b) + (a == b) / 2 for a in answerable for b in unanswerable]
    assert area(coverage_curve(answerable, unanswerable)) == pytest.approx(sum(ahead) / len(ahead))


def test_equal_figures_draw_equal_pictures_that_name_no_date() -> None:
    series = {"it": calibration([(0.2, False), (0.9, True)])}
    assert draw_reliability(series) == draw_reliability(series)
    picture = draw_refusal([0.8, 0.9], [0.1, 0.85], threshold=0.5)
    assert picture == draw_refusal([0.8, 0.9], [0.1, 0.85], threshold=0.5)
    assert "answerable questions answered" in picture
    assert not re.search(r"20\d\d-\d\d-\d\d", picture)


class _Page(HTMLParser):
    """Parse a page strictly (every tag must be closed by its own kind), and keep what the tests look at."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    page = _Page(tostring(node("p", text, node("b", text), text), encoding="unicode", method="html"))
    assert page.tags == ["p", "b"]
    assert "".join(page.text.split()) == "".join(printable(text).split()) * 3


def _evaluation(*, judged: bool) -> Evaluation:
    """Make an evaluation of two questions: one answered from the wrong paper, and one that should have been refused."""
    evidence = Evidence(cosine=0.5, sentence_cosine=0.5, bm25=1.0, bm25_share=0.5, coverage=0.5)
    hits = [Hit(Paper(i, f"{i} {HOSTILE}", "Text.", "t"), 1 - n / 9, (), (), evidence) for n, i in enumerate("abc")]
    queries = (Query("q1", f"one {HOSTILE}", (HOSTILE,)), Query("q2", "two"))
    judgements = {
        "q1": Judgement("q1", answerable=True, kind=HOSTILE, facts=("never",), borderline=frozenset()),
        "q2": Judgement("q2", answerable=False, kind="far", facts=(), borderline=frozenset()),
    }
    answer = Answer(
        question=HOSTILE,
        standalone_question=f"alone {HOSTILE}",
        outcome="answered",
        writer="extractive",
        confidence=0.7,
        statements=(Statement(f"said {HOSTILE}", (1,)),),
        citations=(Citation(1, "a", f"cited {HOSTILE}", "javascript:alert(3)", f"quote {HOSTILE}"),),
    )
    return Evaluation(
        name=HOSTILE,
        split="dev",
        dataset=Dataset(Path("corpus.jsonl"), queries, {"q1": {"b": 1, "z": 1}}, judgements if judged else {}),
        papers=3,
        model="all-MiniLM-L6-v2",
        threshold=0.35,
        run={"q1": hits, "q2": hits},
        answers={"q1": answer, "q2": answer} if judged else {},
    )


def test_a_refusal_is_shown_with_the_questions_that_it_offers() -> None:
    refusal = Answer(
        "one",
        "one",
        outcome="refused",
        writer="extractive",
        confidence=0.2,
        refusal="Which?",
        choices=(f"this {HOSTILE}",),
    )
    page = _Page(render(replace(_evaluation(judged=True), answers={"q1": refusal})))
    assert "a paper answers it, and it was not answered" in page.text
    assert "this <script>" in page.text
    assert "it holds no unanswerable questions" in page.text
    assert page.tags.count("svg") == 1


@pytest.mark.parametrize("judged", [True, False])
def test_no_foreign_text_becomes_markup(judged: bool) -> None:
    page = _Page(render(_evaluation(judged=judged)))
    assert not {"script", "img", "a", "iframe", "object"}.intersection(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [value for name, value in page.attributes if name in {"href", "src"} and not value.startswith("#")]
    assert "\u202e" not in page.text
    assert "<script>alert(1)</script>" in page.text  # shown as text


def test_the_page_has_each_part_with_its_numbers_in_a_table() -> None:
    page = _Page(render(_evaluation(judged=True)))
    for heading in ("By kind of question", "Is confidence to be believed?", "Refusal against coverage", "Recall at k"):
        assert heading in page.text
    assert page.tags.count("svg") == 3
    assert page.tags.count("table") == 4
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert "0.35 (in use)" in page.text
    assert "right: b" in page.text
    assert "z (not found)" in page.text
    assert "no paper answers it, and it was answered" in page.text


def test_without_judged_answers_the_page_is_about_the_ranking() -> None:
    page = _Page(render(_evaluation(judged=False)))
    assert page.tags.count("svg") == 1
    assert "Recall at k" in page.text
    assert "By kind" not in page.text


def test_the_worst_question_is_the_one_that_was_wrong_and_sure() -> None:
    evaluation = _evaluation(judged=True)
    assert [query.query_id for query in evaluation.worst()] == ["q2", "q1"]
    assert [query.query_id for query in evaluation.worst(count=1)] == ["q2"]
    assert evaluation.right_ranks("q1") == {"b": 2, "z": None}


@pytest.fixture
def footnote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run the command line in its own folder; returns the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["footnote", *arguments])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return run


def test_eval_writes_a_page_about_a_folder_of_hostile_papers(
    footnote: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    papers = [
        {"_id": "d1", "title": f"EEG {HOSTILE}", "text": f"We release an EEG dataset of 200 patients. {HOSTILE}"},
        {
            "_id": "d2",
            "title": "Routing cables",
            "text": "A robot routes cables through clips in 92 percent of trials.",
        },
    ]
    queries = [
        {"_id": "q1", "text": "how often does the robot route cables?"},
        {"_id": "q2", "text": f"which EEG dataset {HOSTILE}"},
        {"_id": "q3", "text": "what is the capital of Australia"},
    ]
    judged = [
        {"query_id": "q1", "answerable": True, "kind": "single", "facts": ["never said"]},
        {"query_id": "q2", "answerable": True, "kind": "single", "facts": ["never said"]},
        {"query_id": "q3", "answerable": False, "kind": "far"},
    ]
    for name, rows in (("corpus", papers), ("queries", queries), ("answers", judged)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "qrels" / "dev.tsv").write_text("q1\td2\t1\nq2\td1\t1\n")

    assert footnote("eval", str(folder), "--split", "dev", "--report", "page.html", "--json") == 0
    assert json.loads(capsys.readouterr().out)["queries"] == 3
    page = _Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "3 questions over 2 papers" in page.text
    assert "which EEG dataset <script>" in page.text

    assert footnote("eval", str(folder), "--split", "dev", "--report", "nowhere/page.html") == 1
    assert "nowhere" in capsys.readouterr().err
    assert footnote("eval", str(folder), "--split", "dev", "--report", str(folder)) == 2
