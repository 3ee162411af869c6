"""See whether a sentence's vector may be had from its window's pass, which would halve what an ingest computes.

    uv run python bench/late_sentences.py FOLDER:SPLIT...

The folders are evaluation sets with `answers.jsonl`. For each question with one right paper, the sentences of that
paper are ordered by their cosine to the question, and the share of questions is told whose first sentence holds a fact
of the answer: with the vectors of sentences read by themselves, with the mean of their states in the window's pass,
and with that mean after a ridge regression on the papers of the other sets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from retrieval.chunker import chunk
from retrieval.embedding.local import LocalEmbedder
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from retrieval.papers import Chunk

RIDGE: Final = 3.0
MOST: Final = 300  # questions of a set


@dataclass(frozen=True)
class Case:
    """Hold a question's vector, the two vectors of each sentence, and which sentences hold a fact."""

    query: NDArray[np.float32]
    alone: NDArray[np.float32]
    late: NDArray[np.float32]
    holds: NDArray[np.bool_]


class Reader:
    """Read the sentences of papers in both ways."""

    def __init__(self, cache: Path) -> None:
        self.embedder = LocalEmbedder(cache_dir=cache)
        self._read: dict[str, tuple[list[str], NDArray[np.float32], NDArray[np.float32]]] = {}

    async def sentences(self, paper: Paper) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
        """Return the sentences of a paper, their own vectors, and those from their windows' states."""
        if paper.paper_id not in self._read:
            texts: list[str] = []
            late: list[NDArray[np.float32]] = []
            for window in await asyncio.to_thread(chunk, paper, self.embedder):
                for text, vector in self._late(window):
                    texts.append(text)
                    late.append(vector)
            self._read[paper.paper_id] = texts, await self.embedder.embed(texts), np.array(late)
        return self._read[paper.paper_id]

    def _late(self, window: Chunk) -> Iterator[tuple[str, NDArray[np.float32]]]:
        # What the embedder gives to nobody else: the states of all pieces, and where they stand.
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
    """Return a case for each question with one right paper, some of whose sentences hold a fact and some do not."""
    corpus = {line["_id"]: line for line in _lines(folder / "corpus.jsonl")}
    texts = {line["_id"]: line["text"] for line in _lines(folder / "queries.jsonl") if not line.get("history")}
    right: dict[str, list[str]] = {}
    for line in (folder / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, paper_id, score = line.split("\t")
        right.setdefault(query_id, []).extend([paper_id] * (int(score) > 0))
    cases: list[Case] = []
    for answer in _lines(folder / "answers.jsonl"):
        query_id, facts = answer["query_id"], [_form(fact) for fact in answer.get("facts", ())]
        if query_id not in texts or len(right.get(query_id, ())) != 1 or len(cases) == MOST:
            continue
        found = corpus[right[query_id][0]]
        said, alone, late = await reader.sentences(Paper(found["_id"], found["title"], found["text"], "bench"))
        holds = np.array([any(fact in _form(text) or _form(text) in fact for fact in facts) for text in said])
        if holds.any() and not holds.all():
            cases.append(Case((await reader.embedder.embed([texts[query_id]]))[0], alone, late, holds))
    return cases


def share_first(cases: list[Case], vectors: list[NDArray[np.float32]]) -> float:
    """Return the share of the questions whose nearest sentence holds a fact."""
    first = [case.holds[int((rows @ case.query).argmax())] for case, rows in zip(cases, vectors, strict=True)]
    return float(np.mean(first))


def ridge(cases: list[Case]) -> NDArray[np.float32]:
    """Return the matrix that takes late vectors nearest to the sentences' own."""
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


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _form(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\\%", "%").replace(" -- ", " ")).strip().lower()


def main() -> None:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="FOLDER:SPLIT")
    asyncio.run(compare(parser.parse_args().folders))


if __name__ == "__main__":
    main()
