from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.index.lexical import LexicalIndex
from retrieval.papers import Paper
from retrieval.text.importance import importance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TULU = Paper("p1", 'T\\"ULU 3: Pushing Frontiers in Open Post-Training', "We release data and recipes.", "test")
ROUTER = Paper("p2", "A thalamus for language models", "A router inspired by the thalamus picks a model.", "test")
CABLES = Paper("p3", "Routing cables with robots", "A robot routes cables through clips by sight.", "test")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LexicalIndex]:
    index = LexicalIndex(tmp_path / "lexical", "a stamp")
    index.replace([TULU, ROUTER, CABLES])
    yield index
    index.close()


def test_an_accent_written_in_latex_is_found_by_its_plain_letter(index: LexicalIndex) -> None:
    assert index.search(index.read("tulu"), 3)[0][0] == "p1"


def test_a_word_is_found_by_another_ending_and_by_a_typo(index: LexicalIndex) -> None:
    assert index.search(index.read("cable"), 3)[0][0] == "p3"
    assert index.search(index.read("thalamsu"), 3)[0][0] == "p2"


def test_a_paper_replaced_is_found_by_its_new_text_alone(index: LexicalIndex) -> None:
    index.replace([Paper("p3", "Knitting", "Yarn is knitted by two needles.", "test")])
    assert index.count() == 3
    assert index.search(index.read("needles"), 3)[0][0] == "p3"
    assert "p3" not in dict(index.search(index.read("clips"), 3))


def test_writes_that_meet_in_two_threads_are_all_done(index: LexicalIndex) -> None:
    def write(kind: str) -> None:
        for number in range(5):
            index.replace([Paper(f"{kind}{number}", "Otters", "We study otters. " * 50, "test")])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ("a", "b")))
    assert index.count() == 13


def test_scoring_chosen_papers_gives_the_score_that_search_gives(index: LexicalIndex) -> None:
    found = dict(index.search(index.read("a robot that routes"), 3))
    assert index.score(index.read("a robot that routes"), ["p3"]) == pytest.approx({"p3": found["p3"]})


def test_no_score_exceeds_the_ideal(index: LexicalIndex) -> None:
    for query in ("robot", "router inspired by the thalamus", "data"):
        for _, score in index.search(index.read(query), 3):
            assert 0 < score <= index.ideal(index.read(query))


def test_a_word_that_only_carries_the_question_counts_little(index: LexicalIndex) -> None:
    assert index.score(index.read("what inspired"), ["p2"]) == pytest.approx(
        index.score(index.read("inspired"), ["p2"])
    )
    asked = index.read("WHICH router")
    assert asked.words["which"] < asked.words["router"] == 1


def test_a_rare_word_weighs_more_than_a_common_one(index: LexicalIndex) -> None:
    assert index.idf("thalamus") > index.idf("a") >= 0
    index.delete(["p1", "p2"])
    assert index.idf("a") >= 0


@given(query=st.text(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_can_be_searched_for(index: LexicalIndex, query: str) -> None:
    assert all(score >= 0 for _, score in index.search(index.read(query), 5))


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    first = LexicalIndex(tmp_path, "a stamp")
    first.replace([TULU, ROUTER])
    first.close()
    again = LexicalIndex(tmp_path, "another stamp")
    assert (again.stamp, again.expected) == ("a stamp/scripts 1", "another stamp/scripts 1")
    assert again.count() == 2
    again.close()


def test_a_damaged_folder_is_emptied(tmp_path: Path) -> None:
    first = LexicalIndex(tmp_path, "a stamp")
    first.replace([TULU])
    first.close()
    (tmp_path / "meta.json").write_text("{ not json")
    again = LexicalIndex(tmp_path, "a stamp")
    assert again.count() == 0
    again.replace([ROUTER])
    assert again.count() == 1
    again.close()


def test_a_reset_index_is_empty_and_can_be_filled_again(index: LexicalIndex) -> None:
    index.reset()
    assert index.search(index.read("thalamus"), 3) == []
    index.replace([ROUTER])
    assert index.search(index.read("thalamus"), 3)[0][0] == "p2"


def test_a_query_that_is_a_title_names_its_paper_however_it_is_typed(index: LexicalIndex) -> None:
    assert index.named(index.read("  tulu 3 - pushing frontiers in open post-training.")) == {"p1"}
    assert index.named(index.read("tulu 3")) == set()


def test_coverage_is_the_share_of_the_querys_words_that_a_paper_holds(index: LexicalIndex) -> None:
    found = index.coverage(index.read("robots and a zebra"), ["p1", "p2", "p3"])
    weights = {word: importance(word) * index.idf(word) for word in ("robot", "and", "a", "zebra")}
    assert found["p3"] == pytest.approx((weights["robot"] + weights["a"]) / sum(weights.values()))
    assert index.coverage(index.read("robot"), ["p3"]) == pytest.approx({"p3": 1.0})
    assert index.coverage(index.read("?"), ["p3"]) == {}


def test_a_word_that_no_paper_holds_weighs_most(index: LexicalIndex) -> None:
    assert index.weight("zebra") > index.weight("Thalamus") == index.idf("thalamus")
    assert index.weight("\u200b") == index.weight("zebra")


def test_papers_that_an_index_lacks_are_told_by_their_ids(index: LexicalIndex) -> None:
    index.delete(["p2"])
    assert index.lacking(["p1", "p2", "p3", "p4"]) == ["p2", "p4"]
