from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.digest.matcher import FittedMatcher, match, matching_for
from retrieval.calibration import Logistic
from retrieval.papers import Evidence

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.papers import Paper

MODEL = "all-MiniLM-L6-v2"
BY_WORDS = FittedMatcher(Logistic(-5.0, {"words": 10.0}), first=0.5, floor=0.1)


def evidence(words: float, *, sentence_cosine: float = 0.5, bm25_share: float = 0.0) -> Evidence:
    return Evidence(sentence_cosine, sentence_cosine, bm25_share, bm25_share, 0.0, words)


def test_papers_on_a_topic_stand_in_the_order_of_the_search_and_others_are_left_out() -> None:
    found = match("gait", {"first": evidence(0.5), "second": evidence(0.8), "far": evidence(0.1)}, BY_WORDS)
    assert list(found) == ["first", "second"]
    assert found["first"] > found["second"] >= BY_WORDS.floor


def test_where_no_paper_is_about_a_topic_for_sure_none_is() -> None:
    near = {"near": evidence(0.45), "nearly": evidence(0.4)}
    assert match("gait", near, BY_WORDS) == {}
    assert set(match("gait", near | {"sure": evidence(0.9)}, BY_WORDS)) == {"near", "nearly", "sure"}
    assert match("gait", {}, BY_WORDS) == {}


def test_the_same_share_of_more_words_is_more() -> None:
    long = "papers on robots that learn to walk, swim and climb in mud, snow or sand"
    paper = {"paper": evidence(0.45, sentence_cosine=0.45)}
    assert match(long, paper, matching_for(MODEL))
    assert not match("football", paper, matching_for(MODEL))


def test_a_model_never_fitted_is_read_by_words_alone() -> None:
    near = evidence(0.0, sentence_cosine=0.9)
    far = evidence(0.0, sentence_cosine=-0.2, bm25_share=0.8)
    assert set(match("gait models", {"far": far, "near": near}, matching_for("some-other-model"))) == {"far"}


@pytest.mark.slow
async def test_papers_on_a_topic_pass_and_papers_on_others_do_not(library: Library, seeds: list[Paper]) -> None:
    await library.add(seeds)
    titles = {paper.paper_id: paper.title for paper in seeds}
    topics = ("robots that learn from language", "electric motor control", "coral reefs", "medieval poetry")
    found = [match(topic, await library.evidence(topic, titles), matching_for(MODEL)) for topic in topics]
    robots, motors, reefs, poetry = found
    assert robots
    assert "Electric Motor Control" in titles[next(iter(motors))]
    assert reefs == poetry == {}
