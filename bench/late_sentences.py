"""Test whether sentence vectors can come from their window's forward pass, which would halve the work of an ingest.

    uv run python bench/late_sentences.py FOLDER:SPLIT...

The folders are evaluation sets with `answers.jsonl`. For each question with one relevant paper, the paper's sentences
are ranked by their cosine to the question. The metric is the share of questions whose first sentence contains a fact of
the answer, for three kinds of vectors: sentences embedded on their own, the mean of their states in the window's pass,
and that mean after a ridge regression on the papers of the other sets.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.fit_evidence import held
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.index.chunker import chunk
from retrieval.sources.jsonl import read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from retrieval.papers import Chunk, Paper

RIDGE: Final = 3.0
MOST: Final = 300  # questions of a set


@dataclass(frozen=True)
class Case:
    """A question's vector, the two vectors of each sentence, and which sentences contain a fact."""

    query: NDArray[np.float32]
    alone: NDArray[np.float32]
    late: NDArray[np.float32]
    holds: NDArray[np.bool_]


class Reader:
    """Embeds the sentences of papers in both ways."""

    def __init__(self, cache: Path) -> None:
        self.embedder = LocalEmbedder(cache_dir=cache)
        self._read: dict[Paper, tuple[list[str], NDArray[np.float32], NDArray[np.float32]]] = {}

    async def sentences(self, paper: Paper) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
        """The sentences of a paper, their own vectors, and those from their windows' states."""
        if paper not in self._read:
            texts: list[str] = []
            late: list[NDArray[np.float32]] = []
            for window in await asyncio.to_thread(chunk, paper, self.embedder):
                for text, vector in self._late(window):
                    texts.append(text)
                    late.append(vector)
            self._read[paper] = texts, await self.embedder.embed(texts), np.array(late)
        return self._read[paper]

    def _late(self, window: Chunk) -> Iterator[tuple[str, NDArray[np.float32]]]:
        # Private to the embedder: the states of all pieces, and their offsets.
        tokenizer: Tokenizer = self.embedder._tokenizer  # noqa: SLF001
        encoding = tokenizer.encode(window.text)
        ids, places = encoding.ids[: self.embedder.max_tokens], encoding.offsets[: self.embedder.max_tokens]
        given = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
        (states,) = self.embedder._session.run(["states"], given)  # noqa: SLF001
        for (start, end), sentence in zip(window.spans, window.sentences, strict=True):
            rows = [row for row, (first, last) in enumerate(places) if first < last and start <= first and last <= end]
            if rows:
                mean = states[0][rows].mean(axis=0)
                yield sentence.text, mean / np.linalg.norm(mean)


async def read_cases(reader: Reader, folder: Path, split: str) -> list[Case]:
    """A case for each question with one relevant paper in which some sentences contain a fact and some do not."""
    dataset = read_dataset(folder, split)
    papers = {paper.paper_id: paper for paper in read_jsonl(dataset.corpus, own_ids=True)}
    cases: list[Case] = []
    for query in dataset.queries:
        right = [paper_id for paper_id, score in dataset.qrels.get(query.query_id, {}).items() if score > 0]
        judgement = dataset.judgements.get(query.query_id)
        if query.history or judgement is None or len(right) != 1 or len(cases) == MOST:
            continue
        sentences, alone, late = await reader.sentences(papers[right[0]])
        holds = np.asarray(held(judgement.facts, sentences).any(axis=0))
        if holds.any() and not holds.all():
            cases.append(Case((await reader.embedder.embed([query.text]))[0], alone, late, holds))
    return cases


def share_first(cases: list[Case], vectors: list[NDArray[np.float32]]) -> float:
    """The share of the questions whose nearest sentence contains a fact."""
    first = [case.holds[int((rows @ case.query).argmax())] for case, rows in zip(cases, vectors, strict=True)]
    return float(np.mean(first))


def ridge(cases: list[Case]) -> NDArray[np.float32]:
    """The matrix that maps late vectors to the sentences' own, by ridge regression."""
    late, alone = (np.concatenate([getattr(case, name) for case in cases]) for name in ("late", "alone"))
    return np.asarray(np.linalg.solve(late.T @ late + RIDGE * np.eye(late.shape[1]), late.T @ alone), np.float32)


async def compare(folders: list[str]) -> None:
    """Print the table."""
    reader = Reader(Path.home() / ".cache" / "footnote")
    await reader.embedder.load()
    cases = {
        named: await read_cases(reader, Path(named.rpartition(":")[0]), named.rpartition(":")[2]) for named in folders
    }
    print("| set | questions | by itself | out of the window | after a ridge |\n| --- | --- | --- | --- | --- |")
    for named, own in cases.items():
        fitted = ridge([case for other, some in cases.items() if other != named for case in some])
        mapped = [case.late @ fitted for case in own]
        shares = [
            share_first(own, [case.alone for case in own]),
            share_first(own, [case.late for case in own]),
            share_first(own, [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in mapped]),
        ]
        name = Path(named.rpartition(":")[0]).name
        print(f"| {name} | {len(own)} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")


def main() -> None:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="FOLDER:SPLIT")
    asyncio.run(compare(parser.parse_args().folders))


if __name__ == "__main__":
    main()
