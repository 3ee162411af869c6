"""Fit the table of bot/answering/confidence.py, and print it with its figures in cross-validation.

Every answerable question is asked twice: as it is, and with the right papers taken out of its hits, which makes it
unanswerable in the very subject that it asks about. Questions that are unanswerable by themselves count as much as
all of those together. Libraries of one to five papers are drawn beside the whole corpus, so that small ones are
judged as well; papers to mix in make a large one.

    uv run python bench/fit_confidence.py DATA_DIR EVAL_FOLDER:SPLIT... [--mix PAPERS.jsonl.gz]

DATA_DIR keeps the libraries that are made, so that a second run embeds nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ridge import fit_logistic

from bot.answering.confidence import FITTED, Features, Logistic, read_features
from bot.answering.question import Kind, read_question
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.library import Library
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.evaluation import Dataset, Query

FOLDS = 10
KEPT = 0.98  # of the answerable, above the threshold
RIDGE = 0.01
REACH = 20  # hits asked for, of which the first ten remain when right papers are taken out
HITS = 10
SMALL_LIBRARIES = 24
STRANGERS = 8  # questions about other papers, asked of a small library
WORDS_ONLY = [3]  # the columns of Features that no embedding model has a part in
ALL = [0, 1, 2, 3]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold a question as asked of one library."""

    library: str
    query_id: str
    kind: str
    answerable: bool
    features: Features


async def ask(library: Library, name: str, dataset: Dataset, queries: Sequence[Query]) -> list[Asked]:
    """Ask a library every question, and the answerable ones again without the right papers."""
    rows = []
    for query in queries:
        judgement = dataset.judgements[query.query_id]
        hits = await library.search(query.text, limit=REACH)
        right = set(dataset.qrels.get(query.query_id, {}))
        outcomes = [(judgement.kind, False, hits)]
        if judgement.answerable:
            others = [hit for hit in hits if hit.paper.paper_id not in right | judgement.borderline]
            outcomes = [("right papers missing", False, others)]
            if any([await library.get(paper_id) for paper_id in right]):
                outcomes.append((judgement.kind, True, hits))
        rows += [
            Asked(name, query.query_id, kind, answerable, read_features(query.text, left[:HITS]))
            for kind, answerable, left in outcomes
            if left
        ]
    return rows


async def collect(arguments: argparse.Namespace) -> list[Asked]:
    """Ask whole corpora, mixed ones and small libraries."""
    rows: list[Asked] = []
    for argument in arguments.folders:
        folder, split = argument.split(":")
        dataset = read_dataset(Path(folder), split)
        queries = [
            query
            for query in dataset.queries
            if not query.history
            and query.query_id in dataset.judgements
            and read_question(query.text).kind is not Kind.SMALL_TALK
        ]
        with dataset.corpus.open(encoding="utf-8") as lines:
            papers = [Paper(row["_id"], row["title"], row["text"], "eval") for row in map(json.loads, lines)]
        name = Path(folder).name
        rows += await _with_library(arguments.data_dir / name, papers, name, dataset, queries)
        if arguments.mix:
            mixed = [*papers, *_read_papers(arguments.mix)]
            rows += await _with_library(arguments.data_dir / f"{name}-mixed", mixed, f"{name} mixed", dataset, queries)
        draw = random.Random(0)
        for number in range(SMALL_LIBRARIES):
            few = draw.sample(papers, draw.choice([1, 1, 2, 3, 5]))
            some = _of_small_library(dataset, queries, {paper.paper_id for paper in few}, draw)
            small = f"{name} of 1-5 papers"
            rows += await _with_library(arguments.data_dir / f"{name}-{number}", few, small, dataset, some)
    return rows


async def _with_library(
    data_dir: Path, papers: Sequence[Paper], name: str, dataset: Dataset, queries: Sequence[Query]
) -> list[Asked]:
    embedder = LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote")
    library = await Library.open(data_dir, embedder)
    try:
        await library.add(papers)
        return await ask(library, name, dataset, queries)
    finally:
        await library.close()


def _of_small_library(dataset: Dataset, queries: Sequence[Query], held: set[str], draw: random.Random) -> list[Query]:
    mine, others = [], []
    for query in queries:
        right = set(dataset.qrels.get(query.query_id, {}))
        if dataset.judgements[query.query_id].answerable:
            (mine if right <= held else others).append(query)
        else:
            mine.append(query)
    return [*mine, *draw.sample(others, min(STRANGERS, len(others)))]


def _read_papers(file: Path) -> list[Paper]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [Paper(f"mix:{row['id']}", row["title"], row["abstract"], "mix") for row in map(json.loads, lines)]


def weigh(rows: Sequence[Asked]) -> NDArray[np.float64]:
    """Give every library the same mass, half of it to the answerable, the other half shared by the other kinds."""
    counts = Counter((row.library, row.kind, row.answerable) for row in rows)
    kinds = Counter((library, answerable) for library, _, answerable in counts)
    answerable = Counter(row.library for row in rows if row.answerable)
    return np.array(
        [
            1 / answerable[row.library]
            if row.answerable
            else 1 / kinds[row.library, False] / counts[row.library, row.kind, False]
            for row in rows
        ]
    )


def fit(rows: Sequence[Asked], columns: Sequence[int]) -> NDArray[np.float64]:
    """Return intercept and coefficients of a ridge logistic, zero for columns left out."""
    x = np.array([astuple(row.features) for row in rows])
    y = np.array([row.answerable for row in rows], float)
    weight = weigh(rows)
    return fit_logistic(x, y, weight / weight.sum(), columns, RIDGE)


def cross_validate(rows: Sequence[Asked], columns: Sequence[int]) -> NDArray[np.float64]:
    """Return each row's probability from a fit that saw no row of the same question."""
    questions = sorted({row.query_id for row in rows})
    fold = dict(zip(questions, np.random.default_rng(0).permutation(len(questions)) % FOLDS, strict=True))
    found = np.zeros(len(rows))
    for each in range(FOLDS):
        model = Logistic(*fit([row for row in rows if fold[row.query_id] != each], columns))
        for at, row in enumerate(rows):
            if fold[row.query_id] == each:
                found[at] = model.probability(row.features)
    return found


def auroc(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Return how often an answerable question is above an unanswerable one."""
    return float(np.mean((right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)))


def report(rows: Sequence[Asked], found: NDArray[np.float64], threshold: float) -> None:
    """Print what the threshold lets through, by library and kind of question."""
    for library in dict.fromkeys(row.library for row in rows):
        right = np.array([p for row, p in zip(rows, found, strict=True) if row.library == library and row.answerable])
        print(f"  {library}: {len(right)} answerable, answered {np.mean(right >= threshold):.3f}")
        for kind in sorted({row.kind for row in rows if row.library == library and not row.answerable}):
            wrong = np.array(
                [
                    p
                    for row, p in zip(rows, found, strict=True)
                    if row.library == library and row.kind == kind and not row.answerable
                ]
            )
            print(
                f"    {kind}: {len(wrong)}, refused {np.mean(wrong < threshold):.3f}, AUROC {auroc(right, wrong):.3f}"
            )


def main() -> None:
    """Collect, cross-validate, and print the rows of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("folders", nargs="+", metavar="EVAL_FOLDER:SPLIT")
    parser.add_argument("--mix", type=Path)
    rows = asyncio.run(collect(parser.parse_args()))
    for name, columns in ((next(iter(FITTED)), ALL), ("words only", WORDS_ONLY)):
        found = cross_validate(rows, columns)
        threshold = float(np.quantile([p for row, p in zip(rows, found, strict=True) if row.answerable], 1 - KEPT))
        print(f"{name}: {KEPT:.0%} of the answerable are above {threshold:.3f}")
        report(rows, found, threshold)
        names = ("intercept", "cosine", "sentence_cosine", "words", "held")
        print(f"  Logistic({', '.join(f'{n}={v:.2f}' for n, v in zip(names, fit(rows, columns), strict=True))})")


if __name__ == "__main__":
    main()
