"""Evaluation: one run over a dataset, with the figures that the terminal, the JSON and the page share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bot.answering.answer_score import average, average_by_kind, score_answers
from retrieval.evaluation import measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering import Answer, AnswerScore
    from retrieval import Hit
    from retrieval.evaluation import Dataset, Query

WORST = 20


@dataclass(frozen=True)
class Evaluation:
    """The hits and answers for each query of a dataset, with the library and the threshold used.

    `answers` is empty if the dataset judges none and nobody asked for them.
    """

    name: str
    split: str
    dataset: Dataset
    papers: int
    model: str
    threshold: float
    run: Mapping[str, Sequence[Hit]]
    answers: Mapping[str, Answer]

    @cached_property
    def scores(self) -> list[AnswerScore]:
        """The score of each answer that has a judgement."""
        return score_answers(self.dataset, self.answers)

    @cached_property
    def ranking(self) -> dict[str, float]:
        """The measures of the ranking by name."""
        return measure(self.dataset.qrels, self.run)

    @cached_property
    def answered(self) -> dict[str, float]:
        """The measures of the answers by name."""
        return average(self.scores)

    @cached_property
    def by_kind(self) -> dict[str, dict[str, float]]:
        """For each kind of question R@1, R@5, the number of questions, and the measures of their answers."""
        return {kind: {**self._ranking_of(kind), **values} for kind, values in average_by_kind(self.scores).items()}

    def worst(self, count: int = WORST) -> list[Query]:
        """List the queries that went wrong, worst first; ties are broken by confidence, highest first.

        A query whose answer has no score counts as 1 / rank of its first right paper.
        """
        scores = {score.query_id: score for score in self.scores}

        def badness(query: Query) -> tuple[float, float]:
            if score := scores.get(query.query_id):
                return score.mean, -score.confidence
            return self._reciprocal_rank(query.query_id), 0.0

        wrong = [query for query in self.dataset.queries if badness(query)[0] < 1]
        return sorted(wrong, key=badness)[:count]

    def right_ranks(self, query_id: str) -> dict[str, int | None]:
        """Find the rank (from 1) of each right paper of a query, None if it was not found."""
        ranks = {hit.paper.paper_id: rank for rank, hit in enumerate(self.run.get(query_id, ()), start=1)}
        right = self.dataset.qrels.get(query_id, {})
        return {paper_id: ranks.get(paper_id) for paper_id, score in right.items() if score > 0}

    def _reciprocal_rank(self, query_id: str) -> float:
        return max((1 / rank for rank in self.right_ranks(query_id).values() if rank), default=0.0)

    def _ranking_of(self, kind: str) -> dict[str, float]:
        of_kind = {id_ for id_, judgement in self.dataset.judgements.items() if judgement.kind == kind}
        figures = measure({id_: right for id_, right in self.dataset.qrels.items() if id_ in of_kind}, self.run)
        return {name: figures[name] for name in ("R@1", "R@5") if name in figures}
