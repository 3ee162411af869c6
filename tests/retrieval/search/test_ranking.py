from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.search.ranking import MIXES, Candidate, fuse, match_words

TUNED = next(iter(MIXES))
scores = st.floats(0, 30, allow_nan=False)
pools = st.lists(st.tuples(scores, scores, scores), max_size=20).map(
    lambda rows: [
        Candidate(f"p{at}", window / 30, bm25, sentence=words / 30, words=words / 30)
        for at, (window, bm25, words) in enumerate(rows)
    ]
)


@given(pool=pools, model=st.sampled_from([TUNED, "never-tuned"]))
def test_every_candidate_comes_back_once_best_score_first(pool: list[Candidate], model: str) -> None:
    ranked = fuse(pool, model)
    assert {candidate.paper_id for _, candidate in ranked} == {candidate.paper_id for candidate in pool}
    assert [score for score, _ in ranked] == sorted((score for score, _ in ranked), reverse=True)


@given(pool=pools, model=st.sampled_from([TUNED, "never-tuned"]))
def test_a_paper_better_in_everything_is_never_below(pool: list[Candidate], model: str) -> None:
    order = [candidate for _, candidate in fuse(pool, model)]
    for above, below in pairwise(order):
        pairs = [(below.window, above.window), (below.words, above.words), (below.bm25, above.bm25)]
        assert not all(lower > upper + 1e-6 for lower, upper in pairs)


def test_a_model_never_tuned_is_ranked_by_reciprocal_ranks() -> None:
    rows = [("a", 0.9, 1.0, 0.9), ("b", 0.8, 2.0, 0.1), ("c", 0.1, 0.0, 0.1)]
    pool = [Candidate(*row) for row in rows]
    by_id = {candidate.paper_id: score for score, candidate in fuse(pool, "never-tuned")}
    assert by_id["a"] == by_id["b"] == 1 / 61 + 1 / 62
    assert by_id["c"] == 2 / 63


def test_each_word_of_the_query_counts_by_its_rarity_where_a_word_means_about_the_same() -> None:
    best = np.array([[1.0, 1.0], [0.2, 1.0], [0.2, 0.0], [0.5, 0.5]], np.float32)
    all_, common, none, unsure = match_words(best, np.array([16.0, 1.0]))
    assert all_ > 0.98
    assert none < 0.06
    assert unsure == pytest.approx(0.5)
    assert common - none == pytest.approx(1 / (1 + 16**0.8), abs=0.01)


def test_a_query_without_words_matches_nothing() -> None:
    assert match_words(np.zeros((1, 0), np.float32), np.zeros(0)).tolist() == [0.0]
