"""Say how well `speaks_against` tells questions with a false premise from questions that the same papers answer.

    uv run python bench/premises.py EVAL_FOLDER...

For each question the sentence of its paper is taken that answers to most of its words. Nothing is fitted here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answering.bearing.features import Reading
from bot.answering.bearing.score import speaks_against
from retrieval.text import clean, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

BARS = (0.3, 0.5, 0.7, 0.9)


def rows(file: Path) -> Iterator[dict[str, str]]:
    """Read a file of JSON lines."""
    return map(json.loads, file.read_text(encoding="utf-8").splitlines())


def against(question: str, abstract: str) -> tuple[float, str]:
    """Return the score of the sentence that answers to most words of a question, and the sentence."""
    said = [clean(abstract[slice(*span)]) for span in sentences(abstract)]
    best = max(said, key=lambda sentence: len(Reading.of(question, sentence).pairs))
    return speaks_against(question, best), best


def main() -> None:
    """Print the share of each kind of question over several bars, and each false premise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    scores: dict[str, list[float]] = {}
    for folder in parser.parse_args().folders:
        texts = {row["_id"]: row["text"] for row in rows(folder / "queries.jsonl")}
        papers = {row["_id"]: row["text"] for row in rows(folder / "corpus.jsonl")}
        lines = (folder / "qrels" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
        right = {line.split("\t")[0]: line.split("\t")[1] for line in lines}
        for row in rows(folder / "answers.jsonl"):
            premise = row["kind"] == "unanswerable-premise"
            paper = row["nearest"][0] if premise else right.get(row["query_id"])
            if (premise or row["kind"].startswith("single")) and paper in papers:
                score, sentence = against(texts[row["query_id"]], papers[paper])
                scores.setdefault(row["kind"], []).append(score)
                if premise:
                    print(f"{score:.2f} {texts[row['query_id']]}\n     {sentence[:200]}")
    for kind, found in sorted(scores.items()):
        shares = (f">{bar}: {sum(score > bar for score in found) / len(found):.2f}" for bar in BARS)
        print(f"{kind:24} {len(found):4} ", *shares)


if __name__ == "__main__":
    main()
