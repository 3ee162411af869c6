"""`footnote eval`: quality on a BEIR folder, in an index of its own that later runs reuse."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.table import Table

from bot.answering import Exchange
from bot.answering.assessor import MIN_HOLDS
from bot.answering.conversation import Conversation
from bot.answering.reading.language_detection import keep_tables_in
from bot.console import print_json, progress_bar, show_figures, stdout
from bot.errors import SettingsError
from bot.factory import MODELS, open_answerer, open_library
from bot.files import share
from bot.invocation import extra
from bot.report.evaluation_run import Evaluation
from bot.settings import ChromaSettings
from retrieval import BadInputError
from retrieval.evaluation import RUN_DEPTH, Dataset, Query, check_run_ids, read_dataset, write_run
from retrieval.sources.jsonl import read_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from bot.answering import Answer, Answerer
    from bot.settings import Settings
    from retrieval import Hit, Library


async def evaluate(
    settings: Settings,
    folder: Path,
    split: str,
    *,
    run_file: Path | None,
    answers_file: Path | None,
    report: Path | None,
    use_llm: bool,
    as_json: bool,
) -> None:
    """Run over a dataset, write the requested files and print the figures.

    Raises SettingsError if the evaluation packages are not installed.
    """
    _demand_extra()
    for file in (run_file, answers_file, report):
        if file and not file.absolute().parent.is_dir():
            raise BadInputError(f"{file} cannot be written: make the folder {file.parent} first.")
    evaluation = await run_over(
        settings,
        folder,
        split,
        use_llm=use_llm,
        always_answer=answers_file is not None,
        as_trec=run_file is not None,
    )
    if run_file:
        write_run(run_file, evaluation.run, tag="footnote")
    if answers_file:
        lines = (
            json.dumps({"query_id": id_} | answer.to_json(), ensure_ascii=False)
            for id_, answer in evaluation.answers.items()
        )
        answers_file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if report:
        from bot.report.page import render

        report.write_text(render(evaluation), encoding="utf-8")
    for file in filter(None, (run_file, answers_file, report)):
        share(file)
    if as_json:
        print_json(
            {
                "dataset": evaluation.name,
                "split": split,
                "queries": len(evaluation.dataset.queries),
                "ranking": evaluation.ranking,
                "answers": evaluation.answered,
                "by_kind": evaluation.by_kind,
            }
        )
        return
    console = stdout()
    queries = f"{len(evaluation.dataset.queries)} queries of {evaluation.name}/{split}"
    if evaluation.ranking:
        show_figures(f"Ranking, {queries}", evaluation.ranking, console)
    if evaluation.answered:
        show_figures(f"Answers, {queries}", evaluation.answered, console)
        _show_kinds(evaluation.by_kind, console)


def _demand_extra() -> None:
    if not all(map(find_spec, ("ir_measures", "matplotlib"))):
        raise SettingsError(
            "Measuring needs packages that are not installed; install footnote with its extra eval, as in "
            f"{extra('eval')}."
        )


async def run_over(
    settings: Settings,
    folder: Path,
    split: str,
    *,
    use_llm: bool = False,
    always_answer: bool = False,
    as_trec: bool = False,
) -> Evaluation:
    """Rank the papers for each query of a dataset, and answer it if answers are judged or `always_answer` is set."""
    dataset = read_dataset(folder, split)
    papers = read_jsonl(dataset.corpus, own_ids=True)
    if as_trec:
        check_run_ids(query.query_id for query in dataset.queries)
        check_run_ids(paper.paper_id for paper in papers)
    own = settings.model_copy(
        update={
            "data_dir": settings.data_dir / "eval" / _digest(dataset.corpus),
            "database_url": None,
            "chroma": ChromaSettings(url=None),
        }
    )
    keep_tables_in(own.data_dir / MODELS)
    async with open_library(own) as library:
        with progress_bar("Indexing") as report:
            await library.add(papers, report)
        run = await _rank(library, dataset)
        answers: dict[str, Answer] = {}
        if dataset.judgements or always_answer:
            async with open_answerer(settings, library, use_llm=use_llm) as answerer:
                answers = await _answer(answerer, dataset)
        return Evaluation(
            name=folder.resolve().name,
            split=split,
            dataset=dataset,
            papers=(await library.counts()).papers,
            model=library.embedder.model,
            threshold=MIN_HOLDS,
            run=run,
            answers=answers,
        )


async def _rank(library: Library, dataset: Dataset) -> dict[str, list[Hit]]:
    conversation = Conversation.over(library)
    run: dict[str, list[Hit]] = {}
    with progress_bar("Searching") as report:
        for number, query in enumerate(dataset.queries, start=1):
            contextual = await conversation.read(query.text, await conversation.recall(_history(query)))
            run[query.query_id] = await conversation.search(contextual, RUN_DEPTH)
            report(number, len(dataset.queries))
    return run


async def _answer(answerer: Answerer, dataset: Dataset) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    with progress_bar("Answering") as report:
        for number, query in enumerate(dataset.queries, start=1):
            answers[query.query_id] = await answerer.answer(query.text, _history(query))
            report(number, len(dataset.queries))
    return answers


def _history(query: Query) -> tuple[Exchange, ...]:
    """Convert the earlier questions of a query; the dataset does not say what was cited."""
    return tuple(Exchange(question) for question in query.history)


def _show_kinds(by_kind: Mapping[str, Mapping[str, float]], console: Console) -> None:
    names = list(dict.fromkeys(name for figures in by_kind.values() for name in figures))
    console.print("By kind of question", style="bold")
    table = Table("kind", *names, box=None)
    for kind, figures in by_kind.items():
        cells = (f"{figures[name]:.3g}" if name in figures else "" for name in names)
        table.add_row(kind, *cells)
    console.print(table)


def _digest(corpus: Path) -> str:
    """Hash the corpus; its index is named after it."""
    with corpus.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
