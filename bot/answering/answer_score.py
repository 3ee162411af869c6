"""Score answers against a dataset's judgements: right papers cited, facts quoted, the unanswerable refused."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.answering.answer import Answer
    from retrieval.evaluation import Dataset, Judgement


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """How good one answer is: the measures that apply to it, by name, 0..1, and the bot's own confidence."""

    query_id: str
    kind: str
    answerable: bool
    refused: bool
    confidence: float
    measures: Mapping[str, float]

    @property
    def first_is_right(self) -> bool:
        """Whether the first paper cited is a right one; never true of a refusal."""
        return bool(self.measures.get("first_citation_right"))

    @property
    def mean(self) -> float:
        """The mean of its measures, 0..1; the report ranks the worst answers by it."""
        return fmean(self.measures.values())


def score_answers(dataset: Dataset, answers: Mapping[str, Answer]) -> list[AnswerScore]:
    """Score the answer to each query that the dataset has a judgement of, in the dataset's order.

    An answer is helpful if it shows a right paper, whether it claims that this paper answers (`answered`) or not
    (`closest`). Refusing an answerable question counts as wrong for the first citation, as empty for recall and facts,
    and not at all for precision. Borderline papers are neither right nor wrong.
    """
    return [
        AnswerScore(
            query_id=query_id,
            kind=judgement.kind,
            answerable=judgement.answerable,
            refused=answer.refused,
            confidence=answer.confidence,
            measures=_measures(judgement, dataset.qrels.get(query_id, {}), answer),
        )
        for query_id, judgement in dataset.judgements.items()
        if (answer := answers.get(query_id)) is not None
    ]


def average(scores: Iterable[AnswerScore]) -> dict[str, float]:
    """Average each measure over the answers that it applies to."""
    values: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        for name, value in score.measures.items():
            values[name].append(value)
    return {name: fmean(values[name]) for name in sorted(values)}


def average_by_kind(scores: Iterable[AnswerScore]) -> dict[str, dict[str, float]]:
    """Compute `average` for each kind of question, with the number of its questions as `count`."""
    kinds: dict[str, list[AnswerScore]] = defaultdict(list)
    for score in scores:
        kinds[score.kind].append(score)
    return {kind: {"count": len(group), **average(group)} for kind, group in sorted(kinds.items())}


def _measures(judgement: Judgement, relevant: Mapping[str, int], answer: Answer) -> dict[str, float]:
    if not judgement.answerable:
        return {
            "unanswerable_refused": float(answer.refused),
            "unanswerable_unclaimed": float(answer.outcome != "answered"),
        }
    right = {paper_id for paper_id, score in relevant.items() if score > 0}
    cited = list(dict.fromkeys(citation.paper_id for citation in answer.citations))
    counted = [paper_id for paper_id in cited if paper_id not in judgement.borderline]
    measures = {
        "answerable_answered": float(not answer.refused),
        "answerable_claimed": float(answer.outcome == "answered"),
        "helpful": float(not right.isdisjoint(cited)),
        "first_citation_right": float(bool(cited) and cited[0] in right),
        "citation_recall": len(right.intersection(cited)) / len(right) if right else 0.0,
    }
    if counted:
        measures["citation_precision"] = len(right.intersection(counted)) / len(counted)
    if judgement.facts:
        measures["facts_quoted"] = _share_quoted(judgement.facts, [c.quote for c in answer.citations])
    return measures


def _share_quoted(facts: Sequence[str], quotes: Sequence[str]) -> float:
    quoted = [fold(quote) for quote in quotes]
    return fmean(any(fold(fact) in quote for quote in quoted) for fact in facts)
