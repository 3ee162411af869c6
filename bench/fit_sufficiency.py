"""Fit the table of bot/answering/sufficiency.py, and print it with its figures in cross-validation.

Questions whose kind ends in `held-out` are never fitted on; the final table is measured on them once. Answerable and
unanswerable questions weigh the same, and three quarters of the unanswerable's weight is that of the near misses (the
kinds with `near` in their name), which the first gate lets through.

    uv run python bench/fit_sufficiency.py DATA_DIR EVAL_FOLDER:SPLIT...

DATA_DIR keeps the libraries that are made, so that a second run embeds nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ridge import fit_logistic

from bot.answering.extractive import ExtractiveWriter
from bot.answering.question import Kind, read_question
from bot.answering.sufficiency import FITTED, Gap, Sufficiency
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.library import Library
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS = 10
REPEATS = 5
KEPT = 0.91  # of the answerable, above the threshold
RIDGE = 0.005
NEAR_MASS = 0.75
HITS = 10
NAMES = [field.name for field in fields(Gap)]
BY_WORDS = [NAMES.index(name) for name in ("missing", "unnamed", "unnumbered", "held")]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold a question and the gap between it and the papers that would answer it."""

    dataset: str
    query_id: str
    kind: str
    answerable: bool
    gap: Gap

    @property
    def near(self) -> bool:
        """Say whether the question is a near miss."""
        return not self.answerable and "near" in self.kind


async def collect(data_dir: Path, folders: Sequence[str]) -> list[Asked]:
    """Ask each folder's corpus its questions; those with a history lean on another module's rules."""
    rows = []
    for argument in folders:
        folder, split = argument.split(":")
        dataset = read_dataset(Path(folder), split)
        with dataset.corpus.open(encoding="utf-8") as lines:
            papers = [Paper(row["_id"], row["title"], row["text"], "eval") for row in map(json.loads, lines)]
        library = await Library.open(
            data_dir / Path(folder).name, LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote")
        )
        await library.add(papers)
        writer = ExtractiveWriter(library.embedder)
        for query in dataset.queries:
            judgement = dataset.judgements.get(query.query_id)
            if judgement is None or query.history or read_question(query.text).kind is Kind.SMALL_TALK:
                continue
            gap = await writer.gap(query.text, await library.search(query.text, limit=HITS))
            rows.append(Asked(argument, query.query_id, judgement.kind, judgement.answerable, gap))
        await library.close()
    return rows


def weigh(rows: Sequence[Asked]) -> NDArray[np.float64]:
    """Return weights that sum to one, half of them the answerable's."""
    answerable = sum(row.answerable for row in rows)
    near = sum(row.near for row in rows)
    other = len(rows) - answerable - near
    return np.array(
        [
            0.5 / answerable if row.answerable else 0.5 * (NEAR_MASS / near if row.near else (1 - NEAR_MASS) / other)
            for row in rows
        ]
    )


def fit(rows: Sequence[Asked], columns: Sequence[int]) -> NDArray[np.float64]:
    """Return intercept and coefficients of a ridge logistic, zero for columns left out."""
    x = np.array([astuple(row.gap) for row in rows])
    y = np.array([row.answerable for row in rows], float)
    weight = weigh(rows)
    return fit_logistic(x, y, weight, columns, RIDGE)


def cross_validate(rows: Sequence[Asked], columns: Sequence[int]) -> NDArray[np.float64]:
    """Return each row's probability from fits that saw it not, the mean over several ways to cut the folds."""
    found = np.zeros(len(rows))
    for repeat in range(REPEATS):
        part = np.random.default_rng(repeat).permutation(len(rows)) % FOLDS
        for each in range(FOLDS):
            model = Sufficiency(*fit([row for row, p in zip(rows, part, strict=True) if p != each], columns))
            for at in np.flatnonzero(part == each):
                found[at] += model.probability(rows[at].gap) / REPEATS
    return found


def report(rows: Sequence[Asked], found: NDArray[np.float64], threshold: float) -> None:
    """Print the share that is answered, by folder and kind."""
    for folder in dict.fromkeys(row.dataset for row in rows):
        groups: dict[str, list[float]] = {}
        for row, p in zip(rows, found, strict=True):
            if row.dataset == folder:
                groups.setdefault(row.kind, []).append(p)
        shares = ", ".join(f"{kind} {np.mean(np.array(g) >= threshold):.2f}" for kind, g in sorted(groups.items()))
        print(f"  {folder}: answered {shares}")
    right = np.array([p for row, p in zip(rows, found, strict=True) if row.answerable])
    for name, wrong in (
        ("near misses", np.array([p for row, p in zip(rows, found, strict=True) if row.near])),
        ("all unanswerable", np.array([p for row, p in zip(rows, found, strict=True) if not row.answerable])),
    ):
        above = float(np.mean((right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)))
        print(
            f"  {name}: refused {np.mean(wrong < threshold):.3f}, AUROC {above:.3f}, "
            f"answerable answered {np.mean(right >= threshold):.3f}"
        )


def main() -> None:
    """Collect, cross-validate, measure on what was held out, and print the rows of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("folders", nargs="+", metavar="EVAL_FOLDER:SPLIT")
    arguments = parser.parse_args()
    rows = asyncio.run(collect(arguments.data_dir, arguments.folders))
    fitted = [row for row in rows if not row.kind.endswith("held-out")]
    held_out = [row for row in rows if row.kind.endswith("held-out")]
    for name, columns in ((next(iter(FITTED)), list(range(len(NAMES)))), ("words only", BY_WORDS)):
        found = cross_validate(fitted, columns)
        threshold = float(np.quantile([p for row, p in zip(fitted, found, strict=True) if row.answerable], 1 - KEPT))
        coefficients = fit(fitted, columns)
        print(f"{name}: {KEPT:.0%} of the answerable are above {threshold:.3f}; cross-validated:")
        report(fitted, found, threshold)
        if held_out:
            print(" held out:")
            model = Sufficiency(*coefficients)
            report(held_out, np.array([model.probability(row.gap) for row in held_out]), threshold)
        # The threshold is the same for every row of the table, so the intercept takes up the difference.
        coefficients[0] -= np.log(threshold / (1 - threshold))
        print(f"  Sufficiency({', '.join(f'{v:.2f}' for v in coefficients)})")


if __name__ == "__main__":
    main()
