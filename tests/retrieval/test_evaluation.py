from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BadInputError
from retrieval.evaluation import Query, check_run_ids, measure, read_dataset, recall_curve, write_run
from retrieval.papers import Evidence, Hit, Paper

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"d{number}" for number in range(12)]


def _hits(*paper_ids: str) -> list[Hit]:
    """Make hits in this order, like the library's."""
    evidence = Evidence(cosine=0.5, sentence_cosine=0.5, bm25=1.0, bm25_share=0.5, coverage=0.5)
    return [
        Hit(Paper(paper_id, paper_id, "Text.", "test"), 1.0 - rank / 100, (), (), evidence)
        for rank, paper_id in enumerate(paper_ids)
    ]


def _folder(folder: Path, queries: str, qrels: str, answers: str | None = None) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "T", "text": "Text."}\n')
    # In Latin-1, so that tests can write bytes that are not UTF-8.
    (folder / "queries.jsonl").write_text(queries, encoding="latin-1")
    (folder / "qrels" / "dev.tsv").write_text(qrels, encoding="latin-1", newline="")
    if answers is not None:
        (folder / "answers.jsonl").write_text(answers)
    return folder


def test_the_curve_counts_right_papers_and_questions_with_one() -> None:
    qrels = {"one": {"a": 1}, "two": {"a": 1, "b": 1}, "none right": {"a": 0}}
    run = {"one": _hits("x", "a"), "two": _hits("a", "x", "y", "b"), "none right": _hits("a")}
    curve = recall_curve(qrels, run, cutoffs=(1, 2, 5))
    assert [(depth.k, depth.recall, depth.success) for depth in curve] == [
        (1, 0.25, 0.5),
        (2, 0.75, 1.0),
        (5, 1.0, 1.0),
    ]


def test_without_a_right_paper_there_is_nothing_to_measure() -> None:
    assert recall_curve({"q": {"a": 0}}, {"q": _hits("a")}) == []
    assert measure({}, {"q": _hits("a")}) == {}


def test_a_query_that_found_nothing_counts_as_zero() -> None:
    figures = measure({"q": {"a": 1}, "empty": {"a": 1}}, {"q": _hits("a"), "empty": []})
    assert figures["R@1"] == figures["nDCG@10"] == 0.5


def test_the_order_counts_whatever_the_scores() -> None:
    assert measure({"q": {"b": 1}}, {"q": [*reversed(_hits("a", "b"))]})["R@1"] == 1.0


@given(
    st.dictionaries(
        st.sampled_from(["q1", "q2", "q3"]),
        st.tuples(st.permutations(IDS), st.sets(st.sampled_from(IDS), min_size=1)),
        min_size=1,
    )
)
def test_the_curve_never_falls_and_agrees_with_the_measures(found: dict[str, tuple[list[str], set[str]]]) -> None:
    run = {query_id: _hits(*ranked) for query_id, (ranked, _) in found.items()}
    qrels = {query_id: dict.fromkeys(right, 1) for query_id, (_, right) in found.items()}
    curve = recall_curve(qrels, run)
    for values in ([depth.recall for depth in curve], [depth.success for depth in curve]):
        assert values == sorted(values)
        assert values[-1] == 1.0
    assert all(depth.success >= depth.recall - 1e-9 for depth in curve)
    figures = measure(qrels, run)
    assert {depth.k: depth.recall for depth in curve}[5] == pytest.approx(figures["R@5"])


def test_a_run_file_has_ranks_from_one_in_trec_form(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"q": _hits("a", "b")}, tag="footnote")
    assert (tmp_path / "run").read_text() == "q Q0 a 1 1.000000 footnote\nq Q0 b 2 0.500000 footnote\n"


def test_queries_of_another_split_are_left_out_and_judged_ones_kept(tmp_path: Path) -> None:
    rows = [{"_id": id_, "text": "t"} for id_ in ("ranked", "judged", "other")]
    folder = _folder(
        tmp_path / "set",
        queries="".join(json.dumps(row) + "\n" for row in rows),
        qrels="query-id\tcorpus-id\tscore\nranked\td1\t1\n",
        answers='{"query_id": "judged", "answerable": false}\n',
    )
    dataset = read_dataset(folder, "dev")
    assert [query.query_id for query in dataset.queries] == ["ranked", "judged"]
    assert dataset.qrels == {"ranked": {"d1": 1}}


@pytest.mark.parametrize(
    ("queries", "qrels", "named"),
    [
        ('{"_id": "q"}\n', "q\td1\t1\n", 'queries.jsonl, line 1: "text" is missing'),
        ('{"_id": "q", "text": null}\n', "q\td1\t1\n", 'queries.jsonl, line 1: "text" is missing'),
        ('{"_id": "q", "text": ["t"]}\n', "q\td1\t1\n", 'queries.jsonl, line 1: "text" is not text'),
        ('{"_id": "q", "text": "t", "history": "h"}\n', "q\td1\t1\n", 'line 1: "history" is not a list'),
        ('{"_id": "q", "text": "t"}\noops\n', "q\td1\t1\n", "queries.jsonl, line 2: it is not JSON"),
        ('"_id and text"\n', "q\td1\t1\n", "queries.jsonl, line 1: it is not an object"),
        ('{"_id": "q", "text": "\xe9"}\n', "q\td1\t1\n", "queries.jsonl, line 1: it is not UTF-8"),
        ('{"_id": "q", "text": "t"}\n', "query-id\tcorpus-id\tscore\nq\td1\n", "dev.tsv, line 2"),
        ('{"_id": "q", "text": "t"}\n', "q\td1\tmany\n", "dev.tsv, line 1"),
        ('{"_id": "q", "text": "t"}\n', "q\td1\t0.5\n", "dev.tsv, line 1"),
        ('{"_id": "q", "text": "t"}\n', "\xe9\td1\t1\n", "dev.tsv is not UTF-8"),
        ("", "q\td1\t1\n", "nothing to measure"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path: Path, queries: str, qrels: str, named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        read_dataset(_folder(tmp_path / "set", queries, qrels), "dev")


@pytest.mark.parametrize(
    ("judgement", "named"),
    [
        ('{"query_id": ["q"], "answerable": true}', '"query_id" is not text'),
        ('{"query_id": "q", "answerable": "false"}', '"answerable" is neither true nor false'),
        ('{"query_id": "q", "answerable": true, "facts": "a fact"}', '"facts" is not a list'),
    ],
)
def test_a_judgement_that_would_be_misread_is_refused(tmp_path: Path, judgement: str, named: str) -> None:
    folder = _folder(tmp_path / "set", '{"_id": "q", "text": "t"}\n', "q\td1\t1\n", judgement)
    with pytest.raises(BadInputError, match=f"answers.jsonl, line 1: {named}"):
        read_dataset(folder, "dev")


def test_numbers_are_ids_blank_lines_nothing_and_scores_may_have_a_point(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path / "set",
        queries='{"_id": 5, "text": 7}\n\n',
        qrels="query-id\tcorpus-id\tscore\r\n5\t 7\t1.0\r\n\r\n\n",
        answers='{"query_id": 5, "answerable": true, "borderline": [8]}\n',
    )
    dataset = read_dataset(folder, "dev")
    assert dataset.queries == (Query("5", "7"),)
    assert dataset.qrels == {"5": {" 7": 1}}
    assert dataset.judgements["5"].borderline == {"8"}


def test_a_query_that_is_not_there_counts_in_no_average(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = _folder(tmp_path / "set", '{"_id": "q", "text": "t"}\n', "q\td1\t1\nlost\td1\t1\n")
    dataset = read_dataset(folder, "dev")
    assert measure(dataset.qrels, {"q": _hits("d1")})["R@1"] == 1.0
    assert "1 queries" in caplog.text


@pytest.mark.parametrize("wrong", ["", "two words", " 7", "a\tb"])
def test_an_id_that_a_run_cannot_hold_is_refused(wrong: str) -> None:
    check_run_ids(["q1", "PMC-7", "é"])
    with pytest.raises(BadInputError, match="--run-file"):
        check_run_ids(["q1", wrong])


def test_a_split_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="splits found: dev"):
        read_dataset(_folder(tmp_path / "set", "", ""), "test")
