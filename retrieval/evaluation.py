"""BEIR-style evaluation: read a dataset folder, rank its queries, measure the ranking."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ir_measures.measures import Measure

    from retrieval.papers import Hit

RUN_DEPTH = 100  # papers a query, as far as R@100 looks


@dataclass(frozen=True, slots=True)
class Query:
    """Hold a question of a dataset and the earlier questions of its dialogue, oldest first."""

    query_id: str
    text: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold what a right answer rests on: verbatim `facts` of the right abstracts, and whether there is one.

    `borderline` papers are neither right nor wrong; `nearest` may be named by a refusal.
    """

    query_id: str
    answerable: bool
    kind: str
    facts: tuple[str, ...]
    borderline: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Hold a BEIR folder; `qrels` are paper ids with a score above 0, by query id."""

    corpus: Path
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]
    judgements: Mapping[str, Judgement]


def read_dataset(folder: Path, split: str) -> Dataset:
    """Read queries, relevance and (where there is one) answers.jsonl of a BEIR folder.

    Queries without a relevant paper and without a judgement belong to another split and are left out.
    Raises BadInputError naming the file, and the line where one is wrong.
    """
    qrels_file = folder / "qrels" / f"{split}.tsv"
    if not (folder / "corpus.jsonl").is_file() or not qrels_file.is_file():
        splits = ", ".join(sorted(file.stem for file in folder.glob("qrels/*.tsv"))) or "none"
        raise BadInputError(
            f"{folder} is not a BEIR folder with split {split!r}: it needs corpus.jsonl, queries.jsonl and "
            f"qrels/{split}.tsv (splits found: {splits})."
        )
    qrels = _read_qrels(qrels_file)
    answers_file = folder / "answers.jsonl"
    judgements = {
        row["query_id"]: Judgement(
            query_id=row["query_id"],
            answerable=bool(row["answerable"]),
            kind=row.get("kind", ""),
            facts=tuple(row.get("facts") or ()),
            borderline=frozenset(row.get("borderline") or ()),
        )
        for row in (_read_jsonl(answers_file, "query_id", "answerable") if answers_file.exists() else ())
    }
    queries = tuple(
        Query(row["_id"], row["text"], tuple(row.get("history") or ()))
        for row in _read_jsonl(folder / "queries.jsonl", "_id", "text")
        if row["_id"] in qrels or row["_id"] in judgements
    )
    return Dataset(folder / "corpus.jsonl", queries, qrels, judgements)


def measure(qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[Hit]]) -> dict[str, float]:
    """Return nDCG@10, R@1/5/20/100 and MRR@10, averaged over the queries that have a relevant paper."""
    from ir_measures import RR, R, nDCG

    return _aggregate(
        {"nDCG@10": nDCG @ 10, **{f"R@{k}": R @ k for k in (1, 5, 20, 100)}, "MRR@10": RR @ 10}, qrels, run
    )


@dataclass(frozen=True, slots=True)
class Depth:
    """Hold what the first `k` papers give, averaged over the queries.

    Attributes:
        k: how many papers are looked at, from the first.
        recall: share of the right papers that are among them.
        success: share of the queries with at least one right paper among them.
    """

    k: int
    recall: float
    success: float


def recall_curve(
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Sequence[Hit]],
    cutoffs: Sequence[int] = (1, 2, 3, 5, 10, 20, 50, RUN_DEPTH),
) -> list[Depth]:
    """Return recall and success at each cutoff; an empty list where no query has a relevant paper."""
    from ir_measures import R, Success

    names = {f"R@{k}": R @ k for k in cutoffs} | {f"S@{k}": Success @ k for k in cutoffs}
    values = _aggregate(names, qrels, run)
    return [Depth(k, values[f"R@{k}"], values[f"S@{k}"]) for k in cutoffs] if values else []


def _aggregate(
    names: Mapping[str, Measure], qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[Hit]]
) -> dict[str, float]:
    import ir_measures

    judged = {query_id: dict(relevant) for query_id, relevant in qrels.items() if any(relevant.values())}
    if not judged:
        return {}
    # By rank, not by fused score: the order is what is measured, and a conversation may change it.
    scored = {
        query_id: {hit.paper.paper_id: 1 / rank for rank, hit in enumerate(hits, start=1)}
        for query_id, hits in run.items()
        if query_id in judged
    }
    values = ir_measures.calc_aggregate(list(names.values()), judged, scored)
    return {name: float(values[metric]) for name, metric in names.items()}


def write_run(path: Path, run: Mapping[str, Sequence[Hit]], tag: str) -> None:
    """Write a TREC run: query id, Q0, paper id, rank from 1, score, tag.

    The score is one over the rank: tools sort by it, and fused scores compare within one query only.
    """
    with path.open("w", encoding="utf-8") as file:
        for query_id, hits in run.items():
            for rank, hit in enumerate(hits, start=1):
                file.write(f"{query_id} Q0 {hit.paper.paper_id} {rank} {1 / rank:.6f} {tag}\n")


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            if number == 1 and row[:1] == ["query-id"]:
                continue
            try:
                query_id, paper_id, score = row
                qrels.setdefault(query_id, {})[paper_id] = int(score)
            except ValueError:
                raise BadInputError(f"{path}:{number} is not query-id, corpus-id and score.") from None
    return qrels


def _read_jsonl(path: Path, *needed: str) -> Iterable[dict[str, Any]]:
    if not path.is_file():
        raise BadInputError(f"{path} is missing.")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                missing = [key for key in needed if key not in row]
            except (json.JSONDecodeError, TypeError):
                raise BadInputError(f"{path}:{number} is not a JSON object.") from None
            if missing:
                raise BadInputError(f"{path}:{number} lacks {missing[0]!r}.")
            yield row
