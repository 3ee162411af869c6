"""Fit bot/answering/evidence/evidence.json: subject, holds, listed, the weights of sentences, and number wanted.

    uv run python bench/fit_evidence.py EVAL_FOLDER:SPLIT... [--answers [--kinds DIR]] [--write] [--cache DIR]

Each folder is a BEIR folder with answers.jsonl, whose kinds are those in the README of the tuning sets. Every table is
cross-validated: fitted on all folders but one, and measured on that one. With --write, the shipped tables are fitted on
all folders. The output goes to docs/quality.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from bench.ridge import fit_logistic
from bot.answering.evidence import models
from bot.answering.evidence.features import MatchedHit, gate_features, listing_columns, sentence_columns
from bot.answering.evidence.models import Models, number_probability, words_and_pairs
from bot.answering.reading import kind as reading
from bot.answering.reading.question import Reader
from bot.commands.evaluate import run_over
from bot.settings import Settings
from retrieval.calibration import Logistic
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.library import Library
from retrieval.sources.jsonl import read_jsonl
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from retrieval.papers import Hit

DEPTH = 20
SHORTEST = 40  # characters from which a sentence that is part of a longer fact counts as that fact
NEAR = ("unanswerable-near", "unanswerable-premise")
FAR = "unanswerable-far"
LIST = "multi-list"
# Kinds that are reported together.
KINDS = dict.fromkeys(NEAR, "near") | {"dialogue-first": "single"}
# Features left out for embedding models without a table of their own, which are judged by words alone.
WITHOUT_COSINES = (
    "words",
    "cosine",
    "sentence cosine",
    "cosine around",
    "margin",
    "score under best",
    "score over crowd",
)


@dataclass
class Asked:
    """A judged question with its hits; `facts` is whether each sentence of the relevant paper contains each fact."""

    text: str
    kind: str
    right: frozenset[str]
    borderline: frozenset[str]
    hits: list[Hit]
    first: MatchedHit
    source: MatchedHit | None
    facts: NDArray[np.bool_]
    number: bool
    features: dict[str, float] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether the question asks about a single paper."""
        return self.kind.startswith("single") or self.kind == "dialogue-first"

    @property
    def first_right(self) -> bool:
        """Whether the best hit is a relevant paper."""
        return bool(self.hits) and self.hits[0].paper.paper_id in self.right


async def read(folder: Path, split: str, cache: Path) -> list[Asked]:
    """Search for every question of a folder that is not part of a dialogue."""
    dataset = read_dataset(folder, split)
    library = await Library.open(cache / folder.name, LocalEmbedder(cache_dir=cache / "models"))
    await library.add(read_jsonl(dataset.corpus, own_ids=True))
    reader = Reader(library, lambda: dt.datetime.now(dt.UTC).date())
    asked = []
    for query in dataset.queries:
        judgement = dataset.judgements[query.query_id]
        if query.history:
            continue
        question = await reader.read(query.text)
        text, vectors = question.text, question.vectors
        hits = await library.search(text, limit=DEPTH, vectors=vectors)
        right = frozenset(id_ for id_, score in dataset.qrels.get(query.query_id, {}).items() if score > 0)
        source = next((hit for hit in hits if hit.paper.paper_id in right), None)
        wanted = [hits[0], *([source] if source else [])]
        agreements = await library.agreement(text, vectors, wanted)
        matches = [MatchedHit.of(hit, agreement) for hit, agreement in zip(wanted, agreements, strict=True)]
        asked.append(
            Asked(
                text,
                judgement.kind,
                right,
                frozenset(judgement.borderline),
                hits,
                matches[0],
                matches[1] if source else None,
                held(judgement.facts, [passage.text for passage in matches[1].sentences])
                if source
                else np.zeros((0, 0), bool),
                any(character.isdigit() for character in "".join(judgement.facts[:1])),
            )
        )
    await library.close()
    return asked


def held(facts: Sequence[str], sentences: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each sentence contains each fact; shape (facts, sentences)."""
    said = [fold(text) for text in sentences]
    return np.array(
        [[fact in text or (len(text) >= SHORTEST and text in fact) for text in said] for fact in map(fold, facts)]
    ).reshape(len(facts), len(said))


def fit_number(asked: Iterable[Asked]) -> Logistic:
    """Fit whether a question asks for a number; the label is whether its fact has one."""
    some = [each for each in asked if each.single and each.facts.size]
    read = [words_and_pairs(each.text) for each in some]
    counts: dict[str, int] = {}
    for words in read:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    names = sorted(word for word, count in counts.items() if count >= 3)
    x = np.array([[float(name in words) for name in names] for words in read])
    y = np.array([float(each.number) for each in some])

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = x @ b[1:] + b[0]
        slope = 1 / (1 + np.exp(-logit)) - y
        value = (np.logaddexp(0, logit) - y * logit).sum() + 0.7 * b[1:] @ b[1:]
        return value, np.append(slope.sum(), x.T @ slope + 1.4 * b[1:])

    b = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B").x
    weights = dict(zip(names, np.round(b[1:], 2).tolist(), strict=True))
    return Logistic(round(float(b[0]), 2), {name: weight for name, weight in weights.items() if abs(weight) >= 0.05})


def fit_sentences(asked: Iterable[Asked], number: Logistic, left_out: Sequence[str]) -> dict[str, float]:
    """Fit the weights that make the sentences with a fact likeliest among those of their paper."""
    examples = []
    names: list[str] = []
    for each in asked:
        if each.single and each.source and each.facts.any():
            columns = sentence_columns(each.source, number_probability(number, each.text))
            names = [name for name in columns if name not in left_out]
            examples.append((np.column_stack([columns[name] for name in names]), each.facts.any(axis=0)))
    spread = np.concatenate([x for x, _ in examples]).std(axis=0) + 1e-6

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = float(0.5 * weights @ weights), weights.copy()
        for x, right in examples:
            rows = x / spread
            scores = rows @ weights
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            chosen = likely * right
            value -= float(np.log(chosen.sum()))
            slope -= rows.T @ (chosen / chosen.sum() - likely)
        return value, slope

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x / spread
    return dict(zip(names, np.round(found, 3).tolist(), strict=True))


def logistic(rows: Sequence[dict[str, float]], truth: Sequence[bool], names: Sequence[str], ridge: float) -> Logistic:
    """Fit a logistic regression with balanced classes."""
    x = np.array([[row[name] for name in names] for row in rows])
    y = np.array(truth, float)
    weight = np.where(y == 1, 0.5 / max(y.mean(), 1e-9), 0.5 / max(1 - y.mean(), 1e-9))
    b = np.round(fit_logistic(x, y, weight, list(range(len(names))), ridge=ridge), 3)
    return Logistic(float(b[0]), dict(zip(names, b[1:].tolist(), strict=True)))


SUBJECT = ("cosine", "sentence cosine", "words", "whole beyond title", "title")
SUBJECT_WORDS = ("whole", "title", "best sentence", "coverage")


def fit(asked: Sequence[Asked], left_out: Sequence[str]) -> tuple[Models, Logistic]:
    """Fit every table on these questions."""
    number = fit_number(asked)
    sentence = fit_sentences(asked, number, left_out)
    blank = Logistic(0.0, {})
    partly = Models(blank, blank, blank, sentence)
    describe(asked, partly, number)
    alone = [each for each in asked if each.single or each.kind.startswith("unanswerable")]
    subject = logistic(
        [each.features for each in alone],
        [each.kind != FAR for each in alone],
        SUBJECT_WORDS if left_out else SUBJECT,
        2.0,
    )
    near = [each for each in alone if each.kind != FAR]
    names = [name for name in near[0].features if name not in left_out]
    holds = logistic([each.features for each in near], [each.single and each.first_right for each in near], names, 4.0)
    return Models(subject, holds, fit_listed(asked, left_out), sentence), number


def describe(asked: Iterable[Asked], fitted: Models, number: Logistic) -> None:
    """Compute the features of each question."""
    for each in asked:
        wants = number_probability(number, each.text)
        likely = fitted.likely(sentence_columns(each.first, wants))
        each.features = gate_features(each.hits, each.first, likely, wants)


def fit_listed(asked: Iterable[Asked], left_out: Sequence[str]) -> Logistic:
    """Fit which hits belong on a list."""
    rows, truth = [], []
    names: list[str] = []
    for each in asked:
        if each.kind == LIST:
            columns = listing_columns(each.hits)
            names = [
                name for name in columns if name.removesuffix(" under best").removesuffix(" over crowd") not in left_out
            ]
            for at, hit in enumerate(each.hits):
                if hit.paper.paper_id not in each.borderline:
                    rows.append({name: float(columns[name][at]) for name in names})
                    truth.append(hit.paper.paper_id in each.right)
    x = np.array([[row[name] for name in names] for row in rows])
    b = np.round(fit_logistic(x, np.array(truth, float), np.ones(len(truth)), list(range(len(names))), ridge=5.0), 3)
    return Logistic(float(b[0]), dict(zip(names, b[1:].tolist(), strict=True)))


def auroc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """The area under the ROC curve."""
    right = np.array(truth, bool)
    ranks = rankdata(scores)
    yes, no = right.sum(), (~right).sum()
    return float((ranks[right].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else float("nan")


def measure(name: str, asked: Sequence[Asked], fitted: Models, number: Logistic) -> None:
    """Print the metrics of these questions, with tables that were fitted without them."""
    describe(asked, fitted, number)
    singles = [each for each in asked if each.single]
    near = [each for each in asked if each.kind in NEAR]
    far = [each for each in asked if each.kind == FAR]
    print(f"\n{name}: {len(singles)} singles, {len(near)} near, {len(far)} far")
    facts = [each for each in singles if each.source and each.facts.any()]
    numbers = [number_probability(number, each.text) for each in facts]
    print(f"  number wanted AUROC {auroc(numbers, [each.number for each in facts]):.3f}")
    for most in (1, 2, 3, 4, 5):
        share = np.mean(
            np.concatenate(
                [
                    each.facts[:, np.argsort(-fitted.likely(sentence_columns(each.source, wants)))[:most].tolist()].any(
                        axis=1
                    )
                    for each, wants in zip(facts, numbers, strict=True)
                    if each.source
                ]
            )
        )
        print(f"  facts in the best {most} sentences of the right paper {share:.3f}")
    subject = {id(each): fitted.subject.probability(each.features) for each in asked if each.features}
    for bar in (0.1, 0.15, 0.2, 0.25, 0.3, 0.4):
        lost = np.mean([subject[id(each)] < bar for each in singles])
        print(
            f"  subject under {bar}: far {np.mean([subject[id(each)] < bar for each in far]):.3f}, singles {lost:.3f}"
        )
    holds = {id(each): fitted.holds.probability(each.features) for each in [*singles, *near]}
    print(f"  holds AUROC {auroc(list(holds.values()), [each.single for each in [*singles, *near]]):.3f}")
    for bar in (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        claimed = [each for each in singles if holds[id(each)] >= bar]
        helpful = np.mean(
            [
                each.first_right
                if holds[id(each)] >= bar
                else any(h.paper.paper_id in each.right for h in each.hits[:3])
                for each in singles
            ]
        )
        wrongly = np.mean([holds[id(each)] >= bar for each in near])
        print(
            f"  holds over {bar}: singles claimed {len(claimed) / len(singles):.3f}, near claimed {wrongly:.3f}, "
            f"helpful {helpful:.3f}, first right {np.mean([each.first_right for each in claimed] or [False]):.3f}"
        )
    lists = [each for each in asked if each.kind == LIST]
    for bar in (0.2, 0.25, 0.28, 0.3, 0.35, 0.4):
        precision, recall = zip(*(listing(each, fitted.listed, bar) for each in lists), strict=True)
        print(f"  listed over {bar}: precision {np.mean(precision):.3f}, recall {np.mean(recall):.3f}")


def listing(each: Asked, listed: Logistic, bar: float) -> tuple[float, float]:
    """Precision and recall of a list, cut at ten."""
    chances = listed.probabilities(listing_columns(each.hits))
    order = np.argsort(-chances, kind="stable")[:10]
    chosen = [at for at in order if chances[at] >= bar] or list(order[:1])
    ids = [each.hits[at].paper.paper_id for at in chosen]
    counted = [id_ for id_ in ids if id_ not in each.borderline]
    right = sum(id_ in each.right for id_ in counted)
    return right / len(counted) if counted else 1.0, right / len(each.right)


async def answer(folder: Path, split: str, fitted: Models, number: Logistic, cache: Path, kinds: Path | None) -> None:
    """Print the end-to-end metrics of a folder, with tables that were fitted without it."""
    tables = {"number": as_table(number), "models": {LocalEmbedder.model: table(fitted)}}
    settings = Settings(_env_file=None, data_dir=cache / "answers")
    left_out = kinds / f"{folder.name}.json" if kinds else reading.FITTED
    with models.using(tables), patch.object(reading, "FITTED", left_out):
        evaluation = await run_over(settings, folder, split)
    of_kinds: dict[str, list[dict[str, float]]] = {}
    for score in evaluation.scores:
        of_kinds.setdefault(
            "single" if score.kind.startswith("single") else KINDS.get(score.kind, score.kind), []
        ).append(dict(score.measures))
    answerable = [row for rows in of_kinds.values() for row in rows if "helpful" in row]
    print(f"  the whole way: helpful {np.mean([row['helpful'] for row in answerable]):.3f}")
    for kind, rows in sorted(of_kinds.items()):
        names = dict.fromkeys(name for row in rows for name in row)
        figures = (f"{name} {np.mean([row[name] for row in rows if name in row]):.3f}" for name in names)
        both = [row["citation_recall"] == 1 for row in rows if "citation_recall" in row]
        print(f"    {kind} ({len(rows)}): {', '.join(figures)}" + (f", all right {np.mean(both):.3f}" if both else ""))


def as_table(fitted: Logistic) -> dict[str, object]:
    """A logistic as a row of the data file."""
    return {"intercept": fitted.intercept, "weights": dict(fitted.weights)}


def table(fitted: Models) -> dict[str, object]:
    """The tables as in the data file."""
    return {
        **{
            name: as_table(each)
            for name, each in (("subject", fitted.subject), ("holds", fitted.holds), ("listed", fitted.listed))
        },
        "sentence": dict(fitted.sentence),
    }


async def main() -> None:
    """Fit, measure and, with --write, write the data file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--answers", action="store_true", help="answer every question of the folder left out, too")
    parser.add_argument("--kinds", type=Path, help="what bench/fit_kinds.py --left-out kept, for --answers")
    parser.add_argument("--cache", type=Path, default=Path(".footnote") / "bench")
    options = parser.parse_args()
    splits = dict(each.rsplit(":", 1) for each in options.folders)
    sources = {folder: await read(Path(folder), split, options.cache) for folder, split in splits.items()}
    for name, asked in sources.items():
        others = [each for other, some in sources.items() if other != name for each in some]
        fitted, number = fit(others, ())
        measure(name, asked, fitted, number)
        if options.answers:
            await answer(Path(name), splits[name], fitted, number, options.cache, options.kinds)
    if options.write:
        everything = [each for some in sources.values() for each in some]
        fitted, number = fit(everything, ())
        by_words, _ = fit(everything, WITHOUT_COSINES)
        folders = " ".join(f"{Path(each).name}" for each in options.folders)
        data = {
            "command": f"uv run python bench/fit_evidence.py {folders} --write",
            "number": as_table(number),
            "models": {LocalEmbedder.model: table(fitted), "*": table(by_words)},
        }
        file = Path(models.__file__).with_name(models.FILE_NAME)
        file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
