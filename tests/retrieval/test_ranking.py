from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retrieval.ranking import MIXES, Candidate, fuse

TUNED = next(iter(MIXES))
scores = st.floats(0, 30, allow_nan=False)
pools = st.lists(st.tuples(scores, scores, scores), max_size=20).map(
    lambda rows: [Candidate(f"p{at}", window / 30, part / 30, bm25) for at, (window, part, bm25) in enumerate(rows)]
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
        pairs = [(below.window, above.window), (below.sentence, above.sentence), (below.bm25, above.bm25)]
        assert not all(lower > upper + 1e-6 for lower, upper in pairs)


def test_a_model_never_tuned_is_ranked_by_reciprocal_ranks() -> None:
    pool = [Candidate("a", 0.9, 0.1, 1.0), Candidate("b", 0.1, 0.8, 2.0), Candidate("c", 0.1, 0.0, 0.0)]
    by_id = {candidate.paper_id: score for score, candidate in fuse(pool, "never-tuned")}
    assert by_id["a"] == by_id["b"] == 1 / 61 + 1 / 62
    assert by_id["c"] == 2 / 63
