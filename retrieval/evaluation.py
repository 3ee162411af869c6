"""BEIR-style evaluation: read a dataset folder, rank its queries, measure the ranking."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInputError
from retrieval.sources.json_lines import read_json_lines, text_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ir_measures.measures import Measure

    from retrieval.papers import Hit

log = logging.getLogger(__name__)

RUN_DEPTH = 100  # papers a query, as far as R@100 looks

_QUERY = '{"_id": "1", "text": "…"}'
_JUDGEMENT = '{"query_id": "1", "answerable": true, "facts": ["…"]}'


@dataclass(frozen=True, slots=True)
class Query:
    """A question of a dataset, with the earlier questions of its dialogue, oldest first."""

    query_id: str
    text: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gold answer of a query: whether it is answerable, and verbatim `facts` of the relevant abstracts.

    `borderline` papers count neither as right nor as wrong.
    """

    query_id: str
    answerable: bool
    kind: str
    facts: tuple[str, ...]
    borderline: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A BEIR folder; `qrels` maps query ids to paper ids and their relevance grades."""

    corpus: Path
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]
    judgements: Mapping[str, Judgement]


def read_dataset(folder: Path, split: str) -> Dataset:
    """Read the queries, relevance judgements and, if present, answers.jsonl of a BEIR folder.

    Queries with neither qrels nor a judgement belong to another split and are left out, as are qrels of missing
    queries. Raises BadInputError with the file, and the line if one is wrong.
    """
    qrels_file = folder / "qrels" / f"{split}.tsv"
    if not (folder / "corpus.jsonl").is_file() or not qrels_file.is_file():
        splits = ", ".join(sorted(file.stem for file in folder.glob("qrels/*.tsv"))) or "none"
        raise BadInputError(
            f"{folder} is not a BEIR folder with split {split!r}: it needs corpus.jsonl, queries.jsonl and "
            f"qrels/{split}.tsv (splits found: {splits})."
        )
    qrels = _read_qrels(qrels_file)
    answers_file, queries_file = folder / "answers.jsonl", folder / "queries.jsonl"
    judged = read_json_lines(answers_file, _judgement, _JUDGEMENT) if answers_file.exists() else ()
    judgements = {judgement.query_id: judgement for judgement in judged}
    queries = tuple(
        query
        for query in read_json_lines(queries_file, _query, _QUERY)
        if query.query_id in qrels or query.query_id in judgements
    )
    if not queries:
        raise BadInputError(
            f"There is nothing to measure: {queries_file} holds no query that {qrels_file.name} or answers.jsonl names."
        )
    asked = {query.query_id: qrels[query.query_id] for query in queries if query.query_id in qrels}
    if missing := len(qrels) - len(asked):
        log.warning("%d queries of %s are left out: %s does not hold them", missing, qrels_file, queries_file)
    return Dataset(folder / "corpus.jsonl", queries, asked, judgements)


def measure(qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[Hit]]) -> dict[str, float]:
    """nDCG@10, R@1/5/20/100 and MRR@10, averaged over the queries that have a relevant paper."""
    from ir_measures import RR, R, nDCG

    return _aggregate(
        {"nDCG@10": nDCG @ 10, **{f"R@{k}": R @ k for k in (1, 5, 20, 100)}, "MRR@10": RR @ 10}, qrels, run
    )


@dataclass(frozen=True, slots=True)
class Depth:
    """Recall and success among the first `k` papers, averaged over the queries.

    Attributes:
        k: the cutoff.
        recall: share of the relevant papers that are among them.
        success: share of the queries with at least one relevant paper among them.
    """

    k: int
    recall: float
    success: float


def recall_curve(
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Sequence[Hit]],
    cutoffs: Sequence[int] = (1, 2, 3, 5, 10, 20, 50, RUN_DEPTH),
) -> list[Depth]:
    """Recall and success at each cutoff; empty if no query has a relevant paper."""
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
    # By rank, not by fused score: the order is what is measured, and a conversation may have changed it.
    scored = {
        query_id: {hit.paper.paper_id: 1 / rank for rank, hit in enumerate(hits, start=1)}
        for query_id, hits in run.items()
        if query_id in judged
    }
    values = ir_measures.calc_aggregate(list(names.values()), judged, scored)
    return {name: float(values[metric]) for name, metric in names.items()}


def check_run_ids(ids: Iterable[str]) -> None:
    """Raise BadInputError for an id with whitespace, which separates the columns of a TREC run."""
    for one in ids:
        if one.split() != [one]:
            raise BadInputError(f'A run in TREC form cannot hold the id "{one}", for its blank; leave --run-file out.')


def write_run(path: Path, run: Mapping[str, Sequence[Hit]], tag: str) -> None:
    """Write a TREC run: query id, Q0, paper id, rank from 1, score, tag.

    The score is 1/rank: tools sort by it, and fused scores are only comparable within a query.
    """
    with path.open("w", encoding="utf-8") as file:
        for query_id, hits in run.items():
            for rank, hit in enumerate(hits, start=1):
                file.write(f"{query_id} Q0 {hit.paper.paper_id} {rank} {1 / rank:.6f} {tag}\n")


def _query(record: dict[str, Any]) -> Query:
    return Query(_needed(record, "_id"), _needed(record, "text"), texts_of(record, "history"))


def _judgement(record: dict[str, Any]) -> Judgement:
    answerable = record.get("answerable")
    if not isinstance(answerable, bool):
        raise BadInputError('"answerable" is neither true nor false')
    return Judgement(
        query_id=_needed(record, "query_id"),
        answerable=answerable,
        kind=text_of(record, "kind"),
        facts=texts_of(record, "facts"),
        borderline=frozenset(texts_of(record, "borderline")),
    )


def _needed(record: dict[str, Any], name: str) -> str:
    if record.get(name) is None:
        raise BadInputError(f'"{name}" is missing')
    return text_of(record, name)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BadInputError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and line.startswith("query-id\t")):
            continue
        try:
            query_id, paper_id, score = line.split("\t")
            qrels.setdefault(query_id, {})[paper_id] = _grade(score)
        except ValueError:
            raise BadInputError(
                f"{path}, line {number}: it is not query-id, corpus-id and a whole score, with tabs between."
            ) from None
    return qrels


def _grade(score: str) -> int:
    """Parse a whole score, also "1.0"; raises ValueError."""
    grade = float(score)
    if not grade.is_integer():
        raise ValueError(score)
    return int(grade)
