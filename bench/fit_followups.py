"""Fit bot/answering/conversation/followups.json, and print how many follow-ups then find their paper first.

    uv run python bench/fit_followups.py DATA_DIR PAPERS EVAL_FOLDER:SPLIT...

Four logistic models score an utterance by its vector and its words; they are fitted on bench/data/followups.jsonl
alone, with five-fold cross-validation. The weights of a follow-up's candidates maximise the probability (softmax) of
the relevant papers, over three kinds of dialogues: those of the folders, where each earlier turn is taken as answered
correctly; staged ones, made of a folder's first questions (a change of subject, a detail that any paper has, a position
in a list); and our own, bench/data/dialogues.jsonl, over papers of PAPERS, a file of arXiv papers, mixed with others
from it.

A folder's own dialogues weigh as much as those staged from it, and all folders weigh the same. The weights are measured
on each source's dialogues with a fit that excludes it; in a folder, every earlier turn is a plain question then.
DATA_DIR keeps the libraries, so that a second run embeds nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from scipy.optimize import minimize

from bot.answering.conversation import Conversation, DialogueState, Exchange
from bot.answering.conversation import candidates as weighing
from bot.answering.conversation import utterance as reading
from bot.answering.conversation.candidates import BY_MODEL, BY_WORDS, Candidates
from bot.answering.conversation.reader import FollowUpReader
from bot.answering.conversation.utterance import SCORED, read_utterance, utterance_features
from retrieval.calibration import ANY_MODEL
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.library import Library
from retrieval.sources.jsonl import read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from retrieval.evaluation import Dataset
    from retrieval.papers import Paper

FITTED = Path(str(reading.FITTED))
UTTERANCES = Path(__file__).parent / "data" / "followups.jsonl"
OWN = Path(__file__).parent / "data" / "dialogues.jsonl"
BESIDE = 150  # one in this many of the unrelated papers is added to those of our own dialogues
FOLDS = 5
TWICE = 2  # a word or pair of words needs to be in this many utterances to become a feature
READING_RIDGE = 0.3
CANDIDATE_RIDGE = 0.03
RARE = 0.1  # added to a feature's deviation, so that features of few candidates get no large weight
STAGED = 12  # of each sort, in each folder
DETAILS = ("what is the main idea?", "how does it work", "is the code public?", "what are its limits?", "any numbers?")
PLACED = (("summarise the second one", 1), ("the third, what does it say?", 2), ("and the first?", 0), ("#2?", 1))
SHARES = {"folder": 1.0, "staged": 1.0, "own": 2.0}  # total weight of each source
SMALLEST = 0.02  # smaller word weights are dropped


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up with its relevant papers, asked after turns that were answered correctly.

    `sort` is whether it comes from a folder, is our own, or was staged.
    """

    text: str
    history: tuple[str, ...]
    right: frozenset[str]
    sort: str
    dialogue: DialogueState
    vector: NDArray[np.float32]
    candidates: Candidates


def fit_reading(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit intercept and weights of a ridge logistic."""

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = x @ b[1:] + b[0]
        value = np.sum(np.logaddexp(0, logit) - y * logit) + READING_RIDGE * b[1:] @ b[1:]
        slope = 1 / (1 + np.exp(-logit)) - y
        return value, np.append(slope.sum(), x.T @ slope + 2 * READING_RIDGE * b[1:])

    return np.asarray(minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x, float)


def fit_readings(rows: Sequence[Mapping[str, Any]], vectors: NDArray[np.float32]) -> dict[str, Any]:
    """Fit every utterance score, print its cross-validated metrics, and build its row of the data file."""
    described = [utterance_features(row["text"], vector) for row, vector in zip(rows, vectors, strict=True)]
    counts: dict[str, int] = {}
    for each in described:
        for name in each:
            counts[name] = counts.get(name, 0) + 1
    names = sorted(name for name, count in counts.items() if count >= TWICE)
    x = np.array([[each.get(name, 0.0) for name in names] for each in described])
    fold = np.random.default_rng(0).permutation(len(rows)) % FOLDS
    found = {}
    for name in SCORED:
        y = np.array([name in row["reads"] for row in rows], float)
        said = np.zeros(len(rows))
        for part in range(FOLDS):
            b = fit_reading(x[fold != part], y[fold != part])
            said[fold == part] = x[fold == part] @ b[1:] + b[0]
        right, wrong = said[y == 1], said[y == 0]
        auroc = np.mean(right[:, None] > wrong)
        print(f"  {name}: {np.mean((said > 0) == y):.3f} read rightly, AUROC {auroc:.3f}, {int(y.sum())} of {len(y)}")
        b = fit_reading(x, y)
        weights = {n: round(w, 3) for n, w in zip(names, b[1:].tolist(), strict=True) if abs(w) >= SMALLEST}
        found[name] = {"intercept": round(float(b[0]), 3), "weights": weights}
    return found


def fit_candidates(folders: Sequence[Sequence[FollowUp]], model: str, evidence: Sequence[str]) -> dict[str, float]:
    """Fit the weights that make the relevant papers likeliest."""
    examples = []
    features: dict[str, NDArray[np.float64]] = {}
    for folder in folders:
        counts = Counter(each.sort for each in folder)
        for each in folder:
            scores = read_utterance(each.text, each.vector, model)
            features = each.candidates.features(each.text, each.dialogue, scores, evidence)
            holds = np.array([id_ in each.right for id_ in each.candidates.alone])
            if holds.any():
                share = SHARES[each.sort] / counts[each.sort]
                examples.append((np.array(list(features.values())).T, holds, share))
    spread = np.concatenate([x for x, _, _ in examples]).std(axis=0) + RARE

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = float(CANDIDATE_RIDGE * weights @ weights), 2 * CANDIDATE_RIDGE * weights
        for x, holds, share in examples:
            scores = x / spread @ weights
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            right = likely * holds
            value -= share * float(np.log(right.sum()))
            gradient = gradient - share * ((x / spread).T @ (right / right.sum() - likely))
        return value, gradient

    weights = minimize(loss, np.zeros(spread.size), jac=True, method="L-BFGS-B").x / spread
    return dict(zip(features, (round(float(weight), 3) for weight in weights), strict=True))


def stage(dataset: Dataset) -> list[tuple[tuple[str, ...], str, frozenset[str]]]:
    """Make follow-ups from a folder's first questions: (history, text, relevant papers) of each."""
    right = {query.text: dataset.qrels.get(query.query_id, {}) for query in dataset.queries if not query.history}
    single = [text for text, papers in right.items() if len(papers) == 1]
    several = [text for text, papers in right.items() if len(papers) > max(at for _, at in PLACED)]
    shuffled = np.random.default_rng(0).permutation(single).tolist()[: STAGED + 1]
    found: list[tuple[tuple[str, ...], str, frozenset[str]]] = []
    for at, (before, after) in enumerate(pairwise(shuffled)):
        found.append(((before,), after, frozenset(right[after])))
        found.append(((before,), DETAILS[at % len(DETAILS)], frozenset(right[before])))
    for at, text in enumerate(several[:STAGED]):
        asked, place = PLACED[at % len(PLACED)]
        found.append(((text,), asked, frozenset([list(right[text])[place]])))
    return found


async def read_dialogues(library: Library, dataset: Dataset) -> list[FollowUp]:
    """Read the follow-ups that have relevant papers, each with its earlier turns and their relevant papers."""
    right = {query.text: tuple(dataset.qrels.get(query.query_id, {})) for query in dataset.queries}
    found = []
    own = [
        (query.history, query.text, frozenset(dataset.qrels[query.query_id]))
        for query in dataset.queries
        if query.history and dataset.qrels.get(query.query_id)
    ]
    staged = stage(dataset)
    for at, (history, text, papers) in enumerate((*own, *staged)):
        exchanges = [Exchange(asked, right.get(asked, ()), answered=bool(right.get(asked))) for asked in history]
        sort = "folder" if at < len(own) else "staged"
        found.append(await read_followup(library, exchanges, text, papers, sort))
    return found


async def read_followup(
    library: Library, exchanges: Sequence[Exchange], text: str, right: frozenset[str], sort: str
) -> FollowUp:
    """Read one follow-up, asked after these turns."""
    dialogue = await Conversation.over(library).recall(exchanges)
    vectors = await library.embed(text)
    _, _, candidates = await FollowUpReader(library).candidates(text, dialogue, vectors)
    history = tuple(exchange.question for exchange in exchanges)
    return FollowUp(text, history, right, sort, dialogue, vectors.vector, candidates)


async def read_own(library: Library, papers: Sequence[Paper]) -> list[FollowUp]:
    """Read our own dialogues, over their papers mixed with others."""
    rows = [json.loads(line) for line in OWN.read_text(encoding="utf-8").splitlines()]
    named = {id_ for row in rows for turn in row["history"] for id_ in turn["papers"]}.union(
        *(row["right"] for row in rows)
    )
    beside = [paper for paper in papers if paper.paper_id not in named][::BESIDE]
    await library.add([*(paper for paper in papers if paper.paper_id in named), *beside])
    found = []
    for row in rows:
        exchanges = [Exchange(turn["text"], tuple(turn["papers"])) for turn in row["history"]]
        found.append(await read_followup(library, exchanges, row["text"], frozenset(row["right"]), "own"))
    return found


async def measure(library: Library, followups: Sequence[FollowUp], *, verbose: bool) -> float:
    """Count the follow-ups that find a relevant paper first; a folder's earlier turns are plain questions."""
    conversation, found = Conversation.over(library), []
    for each in (each for each in followups if each.sort != "staged"):
        bare = await conversation.recall([Exchange(q) for q in each.history]) if each.sort == "folder" else None
        turn = await conversation.read(each.text, bare or each.dialogue)
        hits = await conversation.search(turn, 10)
        found.append(hits[0].paper.paper_id in each.right)
        if verbose and not found[-1]:
            print(
                f"    missed ({turn.relation}, {len(turn.focus)} in focus): {' | '.join(each.history)} || {each.text}"
            )
    return float(np.mean(found))


def using(rows: Mapping[str, Any]) -> Iterator[AbstractContextManager[Any]]:
    """Use these rows instead of the data file's."""
    reading.logistics.cache_clear()
    yield patch.object(reading, "fitted", lambda: rows)
    yield patch.object(weighing, "fitted", lambda: rows)


async def main(data_dir: Path, papers: Path, folders: Sequence[str]) -> None:
    """Fit, measure, and write the data file."""
    embedder = LocalEmbedder(cache_dir=data_dir / "models")
    rows = [json.loads(line) for line in UTTERANCES.read_text(encoding="utf-8").splitlines()]
    vectors = await embedder.embed([row["text"] for row in rows])
    fitted: dict[str, Any] = {}
    for model, given in ((embedder.model, vectors), (ANY_MODEL, vectors[:, :0])):
        print(f"Readings, {model}:")
        fitted[model] = {"readings": fit_readings(rows, given)}
    libraries, dialogues = [], []
    first, second = using(fitted)
    with first, second:
        for name in folders:
            folder, _, split = name.partition(":")
            library = await Library.open(data_dir / Path(folder).name, embedder)
            dataset = read_dataset(Path(folder), split)
            await library.add(read_jsonl(dataset.corpus, own_ids=True))
            libraries.append(library)
            dialogues.append(await read_dialogues(library, dataset))
        libraries.append(await Library.open(data_dir / "own", embedder))
        dialogues.append(await read_own(libraries[-1], read_jsonl(papers)))
        for model, evidence in ((embedder.model, BY_MODEL), (ANY_MODEL, BY_WORDS)):
            fitted[model]["candidates"] = fit_candidates(dialogues, model, evidence)
        shipped = {name: dict(row) for name, row in fitted.items()}
        for at, (name, library) in enumerate(zip([*folders, OWN.name], libraries, strict=True)):
            others = [each for place, each in enumerate(dialogues) if place != at]
            fitted[embedder.model]["candidates"] = fit_candidates(others, embedder.model, BY_MODEL)
            left_out = await measure(library, dialogues[at], verbose=True)
            fitted[embedder.model]["candidates"] = shipped[embedder.model]["candidates"]
            kept = await measure(library, dialogues[at], verbose=False)
            print(f"{name}: right paper first {left_out:.3f} of its follow-ups (fitted on it {kept:.3f})")
    head = {"written by": "bench/fit_followups.py", "models": shipped}
    written = json.dumps(head, ensure_ascii=False, indent=1)
    await asyncio.to_thread(FITTED.write_text, f"{written}\n", encoding="utf-8")
    for library in libraries:
        await library.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
