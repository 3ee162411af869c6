"""Commands that ask the library: a question, a conversation, a search, a digest, and a whole dataset."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shared_options import AsJson, DataDir, NoLLM, OneSource, Since, load_settings, run_to_end, utf8

app = typer.Typer()

digest = typer.Typer(
    name="digest",
    help="Daily digests.",
    epilog="Example: footnote digest preview --topic retrieval",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(digest)


@app.command(epilog='Example: footnote ask "which papers train robots with language corrections?"')
def ask(
    context: typer.Context,
    question: Annotated[
        list[str], typer.Argument(help="The question, in plain words.", callback=utf8, metavar="QUESTION")
    ],
    as_json: AsJson = False,
    no_llm: NoLLM = False,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the papers that it cites here: .bib, .ris, .json (CSL), .csv or .jsonl.",
            dir_okay=False,
            metavar="FILE",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Answer a question with citations.

    An empty library takes in seeds/ first.
    """
    from bot.commands.ask import ask_once

    settings = load_settings(context, data_dir)
    run_to_end(ask_once(settings, " ".join(question), as_json=as_json, use_llm=not no_llm, export_to=export))


@app.command(epilog="Example: footnote chat")
def chat(context: typer.Context, no_llm: NoLLM = False, data_dir: DataDir = None) -> None:
    """Ask one question after the other.

    Follow-up questions may lean on earlier ones.
    """
    from bot.commands.ask import chat as run_chat

    run_to_end(run_chat(load_settings(context, data_dir), use_llm=not no_llm))


@app.command(epilog='Example: footnote search "objective mismatch" --limit 5')
def search(
    context: typer.Context,
    query: Annotated[list[str], typer.Argument(help="What to look for.", callback=utf8, metavar="QUERY")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="The most papers to show.")] = 10,
    since: Since = None,
    source: OneSource = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Rank papers for a query."""
    from bot.commands.search import search as run_search

    day = since.date() if since else None
    settings = load_settings(context, data_dir)
    run_to_end(run_search(settings, " ".join(query), limit=limit, since=day, source=source, as_json=as_json))


@digest.command(epilog='Example: footnote digest preview --topic "robots that learn from language" --topic retrieval')
def preview(
    context: typer.Context,
    topics: Annotated[list[str], typer.Option("--topic", help="A topic in plain words; up to five.", callback=utf8)],
    date: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The day whose papers to choose from.",
            metavar="YYYY-MM-DD",
            show_default="the newest day in the library",
        ),
    ] = None,
    papers: Annotated[int, typer.Option(min=1, max=15, help="The most papers to show.")] = 5,
    no_llm: NoLLM = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Print the digest of some topics.

    An empty library takes in seeds/ first.
    """
    from bot.commands.digest_preview import preview as run_preview

    day = date.date() if date else None
    settings = load_settings(context, data_dir)
    run_to_end(run_preview(settings, topics, day, most=papers, as_json=as_json, use_llm=not no_llm))


@app.command(name="eval", epilog="Example: footnote eval path/to/scifact --split test --report quality.html")
def evaluate(
    context: typer.Context,
    dataset: Annotated[Path, typer.Argument(help="A folder in BEIR form.")],
    split: Annotated[str, typer.Option(help="Which qrels to measure against.")] = "test",
    run_file: Annotated[Path | None, typer.Option(help="Write the ranking here, in TREC form.", dir_okay=False)] = None,
    answers_file: Annotated[
        Path | None, typer.Option(help="Write each answer here, one JSON a line.", dir_okay=False)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with figures, pictures and the worst questions.", dir_okay=False)
    ] = None,
    no_llm: NoLLM = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Measure ranking and answers on a dataset.

    The dataset gets an index of its own.
    """
    from bot.commands.evaluate import evaluate as run_evaluate

    run_to_end(
        run_evaluate(
            load_settings(context, data_dir),
            dataset,
            split,
            run_file=run_file,
            answers_file=answers_file,
            report=report,
            use_llm=not no_llm,
            as_json=as_json,
        )
    )
