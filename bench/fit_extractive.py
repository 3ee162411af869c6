"""Fit the sentence weights of bot/answering/extractive.py, and print them as the table that stands there.

A sentence is right where it holds one of a question's facts. The weights maximise the probability (softmax over the
sentences of the right paper) of the right ones; every folder counts as much as the first, however many questions it
has. What the quoted sentences hold is measured in ten-fold cross-validation.

    uv run python bench/fit_extractive.py EVAL_FOLDER:SPLIT...
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from bot.answering.extractive import MOST_SENTENCES, WEIGHTS, choose_sentences, sentence_features
from bot.answering.question import read_question
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.text import fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrieval.embedding import Embedder

FOLDS = 10
RIDGE = 0.02  # of the sum over one folder's mean
SHORTEST_SENTENCE = 40  # characters of a sentence that may stand for the longer fact that holds it


@dataclass(frozen=True, slots=True)
class Example:
    """Hold the sentences of a question's right paper.

    `features` has shape (sentences, weights); `holds`, of shape (facts, sentences), says which holds which fact.
    """

    features: NDArray[np.float64]
    holds: NDArray[np.bool_]


async def read_examples(folder: Path, split: str, embedder: Embedder) -> list[Example]:
    """Return one example for each question with facts whose first right paper holds one of them."""
    dataset = read_dataset(folder, split)
    with dataset.corpus.open(encoding="utf-8") as lines:
        papers = {row["_id"]: row for row in map(json.loads, lines)}
    examples = []
    for query in dataset.queries:
        judgement = dataset.judgements.get(query.query_id)
        right = [paper_id for paper_id, score in dataset.qrels.get(query.query_id, {}).items() if score > 0]
        if query.history or not right or judgement is None or not judgement.facts:
            continue
        title, abstract = papers[right[0]]["title"], papers[right[0]]["text"]
        texts = [abstract[start:end] for start, end in sentences(abstract)]
        if not texts:
            continue
        folded = [fold(text) for text in texts]
        facts = [fold(fact) for fact in judgement.facts]
        holds = np.array(
            [[fact in text or (len(text) >= SHORTEST_SENTENCE and text in fact) for text in folded] for fact in facts]
        )
        if holds.any():
            vectors = await embedder.embed([query.text, title, *texts])
            features = sentence_features(read_question(query.text), title, texts, vectors[0], vectors[1], vectors[2:])
            examples.append(Example(features, holds))
    return examples


def fit(folders: Sequence[Sequence[Example]]) -> NDArray[np.float64]:
    """Return the weights that make the right sentences likeliest."""
    spread = np.concatenate([example.features for folder in folders for example in folder]).std(axis=0) + 1e-6

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = RIDGE * weights @ weights, 2 * RIDGE * weights
        for folder in folders:
            for example in folder:
                features = example.features / spread
                scores = features @ weights
                likely = np.exp(scores - scores.max())
                likely /= likely.sum()
                right = likely * example.holds.any(axis=0)
                value -= np.log(right.sum()) / len(folder)
                gradient -= features.T @ (right / right.sum() - likely) / len(folder)
        return value, gradient

    return minimize(loss, np.zeros(spread.size), jac=True, method="L-BFGS-B").x / spread


def measure(examples: Sequence[Example], weights: Sequence[NDArray[np.float64]]) -> str:
    """Return what the quoted sentences hold, with weights that did not see the example."""
    chosen = [
        list(choose_sentences(example.features @ each, MOST_SENTENCES))
        for example, each in zip(examples, weights, strict=True)
    ]
    held = [example.holds[:, at].any(axis=1) for example, at in zip(examples, chosen, strict=True)]
    first = [example.holds[:, at[0]].any() for example, at in zip(examples, chosen, strict=True)]
    return (
        f"{len(examples)} questions, facts quoted {np.concatenate(held).mean():.3f}, any fact quoted "
        f"{np.mean([each.any() for each in held]):.3f}, first sentence holds one {np.mean(first):.3f}, "
        f"sentences quoted {np.mean([len(at) for at in chosen]):.2f}"
    )


async def main(arguments: Sequence[str]) -> None:
    """Read the folders, cross-validate, and print the table."""
    embedder = LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote")
    folders = [await read_examples(Path(name), split, embedder) for name, split in (a.split(":") for a in arguments)]
    shuffle = np.random.default_rng(0)
    parts = [shuffle.permutation(len(folder)) % FOLDS for folder in folders]
    fitted = [
        fit([[e for e, p in zip(f, part, strict=True) if p != fold] for f, part in zip(folders, parts, strict=True)])
        for fold in range(FOLDS)
    ]
    for name, folder, part in zip(arguments, folders, parts, strict=True):
        print(f"{name}: {measure(folder, [fitted[at] for at in part])}")
    for name, weight in zip(WEIGHTS, fit(folders), strict=True):
        print(f'    "{name}": {weight:.2f},')


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
