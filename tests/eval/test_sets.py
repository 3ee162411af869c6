from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from retrieval.evaluation import read_dataset
from retrieval.text.text import fold

if TYPE_CHECKING:
    from retrieval.papers import Paper

HERE = Path(__file__).parent
FOLDERS = [HERE / "seeds-answerable", HERE / "seeds-unanswerable"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_corpus_is_seeds_in_page_order(folder: Path, seeds: list[Paper]) -> None:
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["title"], row["text"]) for row in rows] == [(paper.title, paper.abstract) for paper in seeds]
    assert [row["_id"] for row in rows] == [f"p{number:03}" for number in range(1, len(seeds) + 1)]


def test_every_fact_stands_in_a_right_abstract() -> None:
    dataset = read_dataset(HERE / "seeds-answerable", "test")
    rows = [json.loads(line) for line in dataset.corpus.read_text(encoding="utf-8").splitlines()]
    abstracts = {row["_id"]: fold(row["text"]) for row in rows}
    for query_id, judgement in dataset.judgements.items():
        right = dataset.qrels[query_id]
        assert judgement.answerable
        assert set(right) <= set(abstracts)
        for fact in judgement.facts:
            assert any(fold(fact) in abstracts[paper_id] for paper_id in right), query_id


def test_near_misses_are_half_and_neither_length_nor_case_tells_the_unanswerable_apart() -> None:
    answerable = read_dataset(HERE / "seeds-answerable", "test")
    unanswerable = read_dataset(HERE / "seeds-unanswerable", "test")
    kinds = [judgement.kind for judgement in unanswerable.judgements.values()]
    assert not any(judgement.answerable for judgement in unanswerable.judgements.values())
    assert sum(kind.startswith("near") for kind in kinds) >= len(kinds) / 2
    near = [query.text for query in unanswerable.queries if query.query_id.startswith("near")]
    single = [query.text for query in answerable.queries if query.query_id.startswith("single")]
    assert abs(fmean(len(text.split()) for text in near) - fmean(len(text.split()) for text in single)) < 1
