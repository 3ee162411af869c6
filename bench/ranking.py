"""Tune the weights of retrieval/search/ranking.py: nDCG@10 and R@1 of many mixes, with paired bootstrap intervals.

Every question is searched once; the evidence of its shortlist is then mixed with the weights of each row of the table.

    uv run python bench/ranking.py DATA_DIR EVAL_FOLDER:SPLIT... [--mix PAPERS.jsonl.gz] [--together]

The libraries are kept in DATA_DIR, so that a second run embeds nothing. With --mix each folder is evaluated a second
time with those papers (`id`, `title`, `abstract`) among its own, except for duplicates by title. With --together each
is evaluated only among the papers of all folders.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.library import Library
from retrieval.papers import Paper, identify
from retrieval.search.ranking import SHORTLIST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.evaluation import Dataset

SIGNALS = ("lexical", "window", "sentence", "words")
Weights = tuple[float, float, float, float]
BASE: Weights = (0.5, 0.5, 0.0, 0.0)
MIXES: tuple[Weights, ...] = (
    BASE,
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
    (0.4, 0.2, 0.4, 0.0),
    (0.3, 0.0, 0.0, 0.7),
    (0.25, 0.25, 0.0, 0.5),
    (0.25, 0.15, 0.15, 0.45),
    (0.2, 0.15, 0.1, 0.55),
)
STEP = 4  # the grid of cross-validation has steps of 1/4; a finer one overfits
FOLDS, REPEATS = 5, 20
DRAWS = 5000
# The kinds of judged questions that count; one about several papers has no single right first hit.
KINDS = ("single", "claim", "detail", "paraphrase", "keyword")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's shortlist: z-scores, shape (papers, 4), gains in the same order, and the ideal DCG."""

    z: NDArray[np.float64]
    gains: NDArray[np.float64]
    ideal: float


async def ask(data_dir: Path, papers: Sequence[Paper], dataset: Dataset) -> list[Asked]:
    """Search a library for every question that has a relevant paper and is not part of a dialogue."""
    library = await Library.open(data_dir, LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote"))
    try:
        await library.add(papers)
        asked = []
        for query in dataset.queries:
            judgement = dataset.judgements.get(query.query_id)
            right = dataset.qrels.get(query.query_id, {})
            if query.history or not any(right.values()) or (judgement and not judgement.kind.startswith(KINDS)):
                continue
            hits = await library.search(query.text, limit=SHORTLIST)
            raw = [(e.bm25, e.cosine, e.sentence_cosine, e.words) for e in (hit.evidence for hit in hits)]
            gains = np.array([right.get(hit.paper.paper_id, 0) for hit in hits], float)
            asked.append(Asked(standardised(np.array(raw)), gains, dcg(np.array(sorted(right.values())[::-1], float))))
        return asked
    finally:
        await library.close()


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The z-scores of each column; 0 if its values are equal."""
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), float)


def dcg(gains: NDArray[np.float64]) -> float:
    """The discounted cumulative gain of the first ten."""
    first = gains[:10]
    return float((first / np.log2(np.arange(len(first)) + 2)).sum())


def judge(asked: Sequence[Asked], weights: Weights) -> NDArray[np.float64]:
    """nDCG@10 and R@1 of each question; shape (questions, 2)."""
    rows = []
    for each in asked:
        gains = each.gains[np.argsort(-each.z @ np.array(weights), kind="stable")]
        rows.append((dcg(gains) / each.ideal, float(len(gains) > 0 and gains[0] > 0)))
    return np.array(rows)


def interval(differences: NDArray[np.float64]) -> str:
    """The mean of a difference and its 95 % paired bootstrap interval."""
    draws = np.random.default_rng(0).integers(len(differences), size=(DRAWS, len(differences)))
    low, high = np.quantile(differences[draws].mean(axis=1), (0.025, 0.975))
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def cross_validate(asked: Sequence[Asked], *, sentences: bool) -> tuple[NDArray[np.float64], Weights]:
    """Each question's nDCG@10 with weights tuned without it, and the weights tuned on all questions."""
    parts = itertools.product(range(STEP + 1), repeat=len(SIGNALS))
    grid: list[Weights] = [
        (a / STEP, b / STEP, c / STEP, d / STEP)
        for a, b, c, d in parts
        if a + b + c + d == STEP and (sentences or not c)
    ]
    scores = np.stack([judge(asked, weights)[:, 0] for weights in grid])
    found = np.zeros(len(asked))
    for repeat in range(REPEATS):
        fold = np.random.default_rng(repeat).permutation(len(asked)) % FOLDS
        for held_out in range(FOLDS):
            mine = fold == held_out
            found[mine] += scores[scores[:, ~mine].mean(axis=1).argmax(), mine] / REPEATS
    return found, grid[scores.mean(axis=1).argmax()]


def report(name: str, asked: Sequence[Asked]) -> None:
    """Print the table of one library."""
    base = judge(asked, BASE)
    reached = np.mean([each.gains.any() for each in asked])
    print(f"\n{name}: {len(asked)} questions, a right paper on the shortlist of {reached:.3f}")
    print(f"| {' / '.join(SIGNALS)} | nDCG@10 | difference | R@1 | difference |\n| --- | --- | --- | --- | --- |")
    for weights in MIXES:
        found = judge(asked, weights)
        cells = [f"{found[:, at].mean():.4f} | {interval(found[:, at] - base[:, at])}" for at in (0, 1)]
        print(f"| {' / '.join(f'{weight:g}' for weight in weights)} | {' | '.join(cells)} |")
    for sentences in (False, True):
        found, best = cross_validate(asked, sentences=sentences)
        print(
            f"cross-validated {'with' if sentences else 'without'} sentences: nDCG@10 {found.mean():.4f}, "
            f"{interval(found - base[:, 0])}; chosen on all: {best}"
        )


async def main() -> None:
    """Judge each folder as it is, and with papers mixed in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("folders", nargs="+", metavar="EVAL_FOLDER:SPLIT")
    parser.add_argument("--mix", type=Path)
    parser.add_argument("--together", action="store_true")
    options = parser.parse_args()
    sets = {}
    for argument in options.folders:
        folder, split = argument.rsplit(":", 1)
        dataset = read_dataset(Path(folder), split)
        with dataset.corpus.open(encoding="utf-8") as lines:
            papers = [Paper(row["_id"], row["title"], row["text"], "eval") for row in map(json.loads, lines)]
        sets[Path(folder).name] = dataset, papers
    if options.together:
        every = [paper for _, papers in sets.values() for paper in papers]
        for name, (dataset, _) in sets.items():
            report(f"{name} among {len(every)} papers", await ask(options.data_dir / "together", every, dataset))
        return
    for name, (dataset, papers) in sets.items():
        report(name, await ask(options.data_dir / name, papers, dataset))
        if options.mix:
            with gzip.open(options.mix, "rt", encoding="utf-8") as lines:
                strangers = [
                    Paper(f"mix:{row['id']}", row["title"], row["abstract"], "") for row in map(json.loads, lines)
                ]
            by_title = {identify(paper.title): paper for paper in strangers}
            for paper in papers:
                by_title.pop(identify(paper.title), None)
            mixed = [*papers, *by_title.values()]
            report(f"{name} among {len(mixed)} papers", await ask(options.data_dir / f"{name}-mixed", mixed, dataset))


if __name__ == "__main__":
    asyncio.run(main())
