from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digest.selector import DISLIKED, Candidate, choose, taste_of


def unit(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def candidate(
    name: str, match: float, vector: tuple[float, ...] = (1, 0), *, votes: int = 0, freshness: float = 0.0
) -> Candidate:
    return Candidate((name,), unit(*vector), (match,), votes, freshness)


def test_nothing_that_is_about_no_topic_fills_a_digest_up() -> None:
    assert choose([candidate("a", 0.0), candidate("b", 0.01)], 5) == [1]
    assert choose([candidate("a", 0.0)], 5) == []
    assert choose([], 5) == []


def test_of_papers_that_say_the_same_the_second_gives_way_to_another_matter() -> None:
    papers = [candidate("a", 0.9, (1, 0)), candidate("a again", 0.89, (1, 0.05)), candidate("b", 0.7, (0, 1))]
    assert choose(papers, 2) == [0, 2]


def test_papers_that_are_no_more_alike_than_others_on_a_topic_stay_in_their_order() -> None:
    papers = [candidate("a", 0.9, (1, 0)), candidate("b", 0.89, (0.75, 0.66)), candidate("c", 0.88, (0, 1))]
    assert choose(papers, 3) == [0, 1, 2]


def test_one_paper_under_two_ids_is_chosen_once() -> None:
    one = Candidate(("arxiv:1", "title:x"), unit(1, 0), (0.9,), 0, 0)
    two = Candidate(("doi:2", "title:x"), unit(0, 1), (0.8,), 0, 0)
    assert choose([one, two], 5) == [0]


def test_votes_and_age_decide_between_papers_that_match_alike() -> None:
    assert choose([candidate("a", 0.5), candidate("b", 0.5, votes=50)], 1) == [1]
    assert choose([candidate("a", 0.5), candidate("b", 0.5, freshness=1.0)], 1) == [1]
    # But they do not help a paper that does not match.
    assert choose([candidate("a", 0.5), candidate("b", 0.0, votes=9999, freshness=1.0)], 2) == [0]


def test_a_candidate_belongs_to_the_topic_that_it_matches_best() -> None:
    assert Candidate(("a",), unit(1, 0), (0.2, 0.8, 0.5), 0, 0).topic == 1


def test_taste_is_what_is_liked_less_a_share_of_what_is_not() -> None:
    vectors = {"good": unit(1, 0), "bad": unit(0, 1)}
    taste = taste_of({"good": 2.0, "bad": -1.0, "unknown": 5.0}, vectors)
    assert taste == pytest.approx(unit(1, -DISLIKED))
    assert taste_of({"bad": -1.0}, vectors) is None
    assert taste_of({}, vectors) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 5), st.floats(-1, 1), st.integers(0, 1000)), min_size=0, max_size=30
    ),
    st.integers(1, 15),
)
def test_a_choice_is_within_bounds_about_a_topic_and_without_repetition(
    drawn: list[tuple[float, int, float, int]], most: int
) -> None:
    papers = [
        Candidate((f"id{number}",), unit(1, angle), (match,), votes, 0.0) for match, number, angle, votes in drawn
    ]
    chosen = choose(papers, most)
    assert len(chosen) <= most
    assert all(papers[at].match > 0 for at in chosen)
    assert len({papers[at].ids for at in chosen}) == len(chosen)
    fitting = {papers[at].ids for at in range(len(papers)) if papers[at].match > 0}
    assert len(chosen) == min(most, len(fitting))
