"""Judge answers against a dataset: right papers cited, facts quoted, the answerable answered, the rest refused."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING

from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering.answer import Answer
    from retrieval.evaluation import Dataset


def judge(dataset: Dataset, answers: Mapping[str, Answer]) -> dict[str, float]:
    """Return shares (0..1) over the judged queries that were answered; measures without a query are left out.

    A refusal of an answerable question counts as wrong for the first citation, as empty for recall and facts,
    and not at all for precision. Borderline papers are neither right nor wrong.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for query_id, judgement in dataset.judgements.items():
        if (answer := answers.get(query_id)) is None:
            continue
        if not judgement.answerable:
            shares["unanswerable_refused"].append(answer.refused)
            continue
        right = {paper_id for paper_id, score in dataset.qrels.get(query_id, {}).items() if score > 0}
        cited = list(dict.fromkeys(citation.paper_id for citation in answer.citations))
        counted = [paper_id for paper_id in cited if paper_id not in judgement.borderline]
        shares["answerable_answered"].append(not answer.refused)
        shares["first_citation_right"].append(bool(cited) and cited[0] in right)
        shares["citation_recall"].append(len(right.intersection(cited)) / len(right) if right else 0.0)
        if counted:
            shares["citation_precision"].append(len(right.intersection(counted)) / len(counted))
        if judgement.facts:
            shares["facts_quoted"].append(_share_quoted(judgement.facts, [c.quote for c in answer.citations]))
    return {name: fmean(values) for name, values in sorted(shares.items())}


def judge_by_kind(dataset: Dataset, answers: Mapping[str, Answer]) -> dict[str, dict[str, float]]:
    """Return `judge` for each kind of question, with the number of its questions as `count`."""
    kinds: dict[str, dict[str, Answer]] = defaultdict(dict)
    for query_id, answer in answers.items():
        if judgement := dataset.judgements.get(query_id):
            kinds[judgement.kind][query_id] = answer
    return {kind: {"count": len(group), **judge(dataset, group)} for kind, group in sorted(kinds.items())}


def _share_quoted(facts: Sequence[str], quotes: Sequence[str]) -> float:
    quoted = [fold(quote) for quote in quotes]
    return fmean(any(fold(fact) in quote for quote in quoted) for fact in facts)
