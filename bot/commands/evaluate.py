"""`footnote eval`: quality on a BEIR folder, in an index of its own that is kept for the next run."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from rich.table import Table

from bot.answering.conversation import standalone
from bot.answering.judging import judge, judge_by_kind
from bot.console import print_json, progress_bar, show_figures, stdout
from bot.settings import ChromaSettings
from bot.wiring import make_answerer, open_library
from retrieval.evaluation import RUN_DEPTH, Dataset, measure, read_dataset, write_run
from retrieval.sources.jsonl import read_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from bot.answering.answer import Answer
    from bot.answering.answerer import Answerer
    from bot.settings import Settings
    from retrieval.library import Library
    from retrieval.papers import Hit


async def evaluate(
    settings: Settings,
    folder: Path,
    split: str,
    *,
    run_file: Path | None,
    answers_file: Path | None,
    use_llm: bool,
    as_json: bool,
) -> None:
    """Rank and, where the dataset judges answers, answer each query; print the figures and write the files."""
    dataset = read_dataset(folder, split)
    papers = read_jsonl(dataset.corpus, own_ids=True)
    own = settings.model_copy(
        update={
            "data_dir": settings.data_dir / "eval" / _digest(dataset.corpus),
            "database_url": None,
            "chroma": ChromaSettings(url=None),
        }
    )
    async with open_library(own) as library:
        with progress_bar("Indexing") as report:
            await library.add(papers, report)
        run = await _rank(library, dataset)
        answers: dict[str, Answer] = {}
        if dataset.judgements or answers_file:
            answers = await _answer(make_answerer(own, library, use_llm=use_llm), dataset)
    if run_file:
        write_run(run_file, run, tag="footnote")
    if answers_file:
        lines = (
            json.dumps({"query_id": id_} | answer.to_json(), ensure_ascii=False) for id_, answer in answers.items()
        )
        answers_file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    ranking = measure(dataset.qrels, run)
    by_kind = {
        kind: {**_ranking_of(kind, dataset, run), **figures}
        for kind, figures in judge_by_kind(dataset, answers).items()
    }
    answered = judge(dataset, answers)
    if as_json:
        print_json(
            {
                "dataset": folder.name,
                "split": split,
                "queries": len(dataset.queries),
                "ranking": ranking,
                "answers": answered,
                "by_kind": by_kind,
            }
        )
        return
    console = stdout()
    show_figures(f"Ranking, {len(dataset.queries)} queries of {folder.name}/{split}", ranking, console)
    if answered:
        show_figures("Answers", answered, console)
        _show_kinds(by_kind, console)


async def _rank(library: Library, dataset: Dataset) -> dict[str, list[Hit]]:
    run: dict[str, list[Hit]] = {}
    with progress_bar("Searching") as report:
        for number, query in enumerate(dataset.queries, start=1):
            run[query.query_id] = await library.search(standalone(query.text, query.history), limit=RUN_DEPTH)
            report(number, len(dataset.queries))
    return run


async def _answer(answerer: Answerer, dataset: Dataset) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    with progress_bar("Answering") as report:
        for number, query in enumerate(dataset.queries, start=1):
            answers[query.query_id] = await answerer.answer(query.text, query.history)
            report(number, len(dataset.queries))
    return answers


def _ranking_of(kind: str, dataset: Dataset, run: Mapping[str, list[Hit]]) -> dict[str, float]:
    """Return R@1 and R@5 over the queries of one kind."""
    of_kind = {id_ for id_, judgement in dataset.judgements.items() if judgement.kind == kind}
    figures = measure({id_: relevant for id_, relevant in dataset.qrels.items() if id_ in of_kind}, run)
    return {name: figures[name] for name in ("R@1", "R@5") if name in figures}


def _show_kinds(by_kind: Mapping[str, Mapping[str, float]], console: Console) -> None:
    names = list(dict.fromkeys(name for figures in by_kind.values() for name in figures))
    console.print("By kind of question", style="bold")
    table = Table("kind", *names, box=None)
    for kind, figures in by_kind.items():
        cells = (f"{figures[name]:.3g}" if name in figures else "" for name in names)
        table.add_row(kind, *cells)
    console.print(table)


def _digest(corpus: Path) -> str:
    """Return a name for the corpus' index, so that another corpus never shares it."""
    with corpus.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
