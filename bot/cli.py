"""The `footnote` command: each command reads its options, calls the parts and shows the result.

What a command needs is imported inside it, so that `footnote --help` loads no index, model or client.
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from bot.settings import Settings

T = TypeVar("T")

# The libraries' own remarks on what Footnote does not use, or reads by itself.
REMARKS = {"alembic": logging.WARNING, "discord.client": logging.ERROR, "discord.ext.commands.bot": logging.ERROR}

# What says more than anybody reads, also where everything is logged.
CHATTY: Final = ("aiosqlite", "chromadb", "discord", "filelock", "httpcore", "httpcore2", "httpx", "httpx2", "openai")

# Flags of every command, which may stand before and behind its name.
ANYWHERE: Final = ("--verbose", "-v")


class Root(TyperGroup):
    """Take the flags of every command wherever they stand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # Typer brings a Click of its own
        """Put those flags before the command; what follows `--` is left alone."""
        end = args.index("--") if "--" in args else len(args)
        flags = [arg for arg in args[:end] if arg in ANYWHERE]
        rest = [arg for arg in args[:end] if arg not in ANYWHERE]
        return super().parse_args(ctx, [*flags, *rest, *args[end:]])


app = typer.Typer(
    name="footnote",
    cls=Root,
    help="Answer questions about papers, every sentence resting on a title and a quote.",
    epilog='Example: footnote ask "which papers train robots with language corrections?"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes would cost as much as all of Typer, at each --help
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _text(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse what a shell passed on in another encoding, which nothing behind here could read."""
    for text in [value] if isinstance(value, str) else value or ():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise typer.BadParameter("it is not UTF-8 text.") from None
    return value


def _sources(values: list[str] | None) -> list[str] | None:
    _text([value for value in values or () if not Path(value).exists()])  # a file's name may be any bytes
    return values


def _folder(name: str) -> Path:
    if not name:  # as of a variable that a script did not set; it would be the current folder
        raise typer.BadParameter("an empty name is no folder.")
    _text(name)  # Chroma takes no other
    return Path(name)


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder that holds all state (or FOOTNOTE_DATA_DIR).",
        show_default=".footnote",
        parser=_folder,
        metavar="PATH",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Since = Annotated[
    dt.datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only papers published on this day or later.", metavar="YYYY-MM-DD"),
]
OneSource = Annotated[
    str | None, typer.Option("--source", help="Only papers of this source, such as seeds.", callback=_text)
]
NoLLM = Annotated[bool, typer.Option("--no-llm", help="Answer with the papers' own sentences only.")]


digest = typer.Typer(
    help="Daily digests.",
    epilog="Example: footnote digest preview --topic retrieval",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(digest, name="digest")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"footnote {version('footnote')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    data_dir: DataDir = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to stderr.")] = False,
    version: Annotated[  # noqa: ARG001  # its callback has done all
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that every command shares."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if verbose:
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.INFO)
    context.obj = data_dir


@app.command(epilog='Example: footnote ask "which papers train robots with language corrections?"')
def ask(
    context: typer.Context,
    question: Annotated[
        list[str], typer.Argument(help="The question, in plain words.", callback=_text, metavar="QUESTION")
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

    settings = _settings(context, data_dir)
    run_to_end(ask_once(settings, " ".join(question), as_json=as_json, use_llm=not no_llm, export_to=export))


@app.command(epilog="Example: footnote chat")
def chat(context: typer.Context, no_llm: NoLLM = False, data_dir: DataDir = None) -> None:
    """Ask one question after the other.

    Follow-up questions may lean on earlier ones.
    """
    from bot.commands.ask import chat as run_chat

    run_to_end(run_chat(_settings(context, data_dir), use_llm=not no_llm))


@app.command(epilog='Example: footnote search "objective mismatch" --limit 5')
def search(
    context: typer.Context,
    query: Annotated[list[str], typer.Argument(help="What to look for.", callback=_text, metavar="QUERY")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="The most papers to show.")] = 10,
    since: Since = None,
    source: OneSource = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Rank papers for a query."""
    from bot.commands.search import search as run_search

    day = since.date() if since else None
    settings = _settings(context, data_dir)
    run_to_end(run_search(settings, " ".join(query), limit=limit, since=day, source=source, as_json=as_json))


@app.command(epilog="Example: footnote ingest huggingface arxiv:cs.CL+cs.LG:3 papers.jsonl")
def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="seeds, a file of papers (BibTeX, RIS, JSON, JSON Lines, CSV, TSV, PubMed, JATS, EndNote, Web of "
            "Science, Atom, RSS, OAI-PMH, a page dump, with the extra also PDF; also .gz and .zip), a folder of these; "
            "a DOI, an arXiv id, a link to a paper at arXiv, "
            "OpenReview or the ACL Anthology; huggingface, huggingface:DATE, "
            "huggingface:FROM..TO, arxiv:CATEGORY+CATEGORY, arxiv:CATEGORY:DAYS, arxiv:'WORDS', or a feed's address.",
            metavar="[SOURCE]...",
            callback=_sources,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take in nothing of the files if anything in them cannot be read.")
    ] = False,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Of files, only papers of these arXiv categories, such as cs.CL+cs.LG, or cs for all of it."),
    ] = None,
    since: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Of files, only papers published from this day on.", metavar="YYYY-MM-DD"
        ),
    ] = None,
    full_text: Annotated[
        bool,
        typer.Option("--full-text", help="Of papers at arXiv, also their text, of HTML or PDF (footnote[pdf])."),
    ] = False,
    taken_as: Annotated[
        Literal["page"] | None,
        typer.Option(
            "--as",
            help="page: take the files for pages of titles and abstracts in turn, whatever they look like.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Take papers in.

    Stopped at any point, it goes on from there the next time.
    """
    from bot.commands.ingest import ingest as run_ingest

    day = since.date() if since else None
    reading = run_ingest(
        _settings(context, data_dir),
        sources or ["seeds"],
        strict=strict,
        categories=category or [],
        since=day,
        full_text=full_text,
        as_page=taken_as is not None,
    )
    run_to_end(reading)


@app.command(epilog="Example: footnote copy --from .footnote --to postgresql://user:password@host/footnote")
def copy(
    source: Annotated[str, typer.Option("--from", help="A data dir, or the URL of a database.", metavar="PLACE")],
    target: Annotated[str, typer.Option("--to", help="Likewise; it is to be empty.", metavar="PLACE")],
) -> None:
    """Copy a library and what the bot remembers to another database.

    Both are compared at the end. Stop the bot before; stopped at any point, the copy goes on from there the next time.
    """
    from bot.commands.copy import copy as run_copy

    run_to_end(run_copy(source, target))


@app.command(name="list", epilog="Example: footnote list --source seeds --limit 5")
def list_papers(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The most papers to show.")] = 20,
    since: Since = None,
    source: OneSource = None,
    removed: Annotated[bool, typer.Option("--removed", help="Show the papers that were removed.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List papers with their ids, the newest first."""
    from bot.commands.manage_papers import list_papers as run_list

    settings, day = _settings(context, data_dir), since.date() if since else None
    run_to_end(run_list(settings, limit=limit, since=day, source=source, removed=removed, as_json=as_json))


@app.command(epilog="Example: footnote show arxiv:2002.04523")
def show(
    context: typer.Context,
    paper: Annotated[str, typer.Argument(help="An id or a link, in any spelling.", callback=_text, metavar="ID")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show all that is known of a paper."""
    from bot.commands.manage_papers import show as run_show

    run_to_end(run_show(_settings(context, data_dir), paper, as_json=as_json))


@app.command(epilog="Example: footnote remove --source bibtex")
def remove(
    context: typer.Context,
    papers: Annotated[
        list[str] | None, typer.Argument(help="Ids or links, in any spelling.", callback=_text, metavar="[ID]...")
    ] = None,
    source: Annotated[str | None, typer.Option(help="All papers that this source alone had.", callback=_text)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what would go is shown.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Take papers out of the library.

    No source brings them in again; it can be undone for 30 days.
    """
    from bot.commands.manage_papers import remove as run_remove

    run_to_end(run_remove(_settings(context, data_dir), papers or [], source, really=yes))


@app.command(epilog="Example: footnote restore --last")
def restore(
    context: typer.Context,
    papers: Annotated[
        list[str] | None, typer.Argument(help="Ids, as list --removed shows.", callback=_text, metavar="[ID]...")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="What the last removal took.")] = False,
    when: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="What was removed at this time (UTC), as list --removed shows it; a day or a minute is all of it.",
            callback=_text,
            metavar="TIME",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Put removed papers back, of any removal in the last 30 days."""
    from bot.commands.manage_papers import restore as run_restore

    run_to_end(run_restore(_settings(context, data_dir), papers or [], last=last, when=when))


@app.command(epilog='Example: footnote export --query "objective mismatch" --limit 10 --output refs.bib')
def export(
    context: typer.Context,
    papers: Annotated[
        list[str] | None, typer.Argument(help="Ids or links, in any spelling.", callback=_text, metavar="[ID]...")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="bibtex, ris, csl (JSON for Zotero and Pandoc), csv or jsonl.",
            show_default="what the file's name says, else bibtex",
        ),
    ] = None,
    query: Annotated[str | None, typer.Option(help="Only what a search finds, the best first.", callback=_text)] = None,
    source: OneSource = None,
    since: Since = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most papers.", show_default="all; 50 of a search")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.", dir_okay=False, show_default="stdout")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write papers as a file of references.

    Reference managers read it, and so does `footnote ingest`.
    """
    from bot.commands.export_papers import export_papers

    run_to_end(
        export_papers(
            _settings(context, data_dir),
            papers or [],
            form=form,
            query=query,
            source=source,
            since=since.date() if since else None,
            limit=limit,
            output=output,
        )
    )


@digest.command(epilog='Example: footnote digest preview --topic "robots that learn from language" --topic retrieval')
def preview(
    context: typer.Context,
    topics: Annotated[list[str], typer.Option("--topic", help="A topic in plain words; up to five.", callback=_text)],
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
    settings = _settings(context, data_dir)
    run_to_end(run_preview(settings, topics, day, most=papers, as_json=as_json, use_llm=not no_llm))


@app.command(epilog="Example: FOOTNOTE_DATABASE_URL=postgresql://user:password@host/footnote footnote embed")
def embed(context: typer.Context, data_dir: DataDir = None) -> None:
    """Help to embed a library that several processes share.

    Any number of these may run beside the one process that indexes.
    """
    from bot.commands.ingest import embed as run_embed

    run_to_end(run_embed(_settings(context, data_dir)))


@app.command(epilog="Example: footnote rebuild")
def rebuild(context: typer.Context, data_dir: DataDir = None) -> None:
    """Make the indexes anew from the catalogue.

    Nothing is embedded again.
    """
    from bot.commands.ingest import rebuild as run_rebuild

    run_to_end(run_rebuild(_settings(context, data_dir)))


@app.command(epilog="Example: footnote prune")
def prune(context: typer.Context, data_dir: DataDir = None) -> None:
    """Forget what was kept for long enough.

    The bot does so every day; this gives the disk back, too, what the databases leave empty. Stop the bot before.
    """
    from bot.commands.prune import prune as run_prune

    run_to_end(run_prune(_settings(context, data_dir)))


@app.command(epilog="Example: footnote backup footnote-2026-11-27.zip")
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False, metavar="FILE")],
    data_dir: DataDir = None,
) -> None:
    """Write papers and memory to one file.

    It may run beside the bot. Conversations and settings are in it: keep it as safe as the data dir.
    """
    from bot.commands.backup import backup as run_backup

    run_backup(_settings(context, data_dir), file)


@app.command(epilog="Example: footnote recover footnote-2026-11-27.zip --data-dir new")
def recover(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="What backup wrote.", dir_okay=False, exists=True, readable=True, metavar="FILE")
    ],
    data_dir: DataDir = None,
) -> None:
    """Put a backup into an empty data dir.

    The indexes are made anew at the next start, without embedding anything.
    """
    from bot.commands.backup import recover as run_recover

    run_recover(_settings(context, data_dir), file)


@app.command(epilog="Example: footnote stats --json")
def stats(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is in the library."""
    from bot.commands.ingest import stats as run_stats

    run_to_end(run_stats(_settings(context, data_dir), as_json=as_json))


@app.command(epilog="Example: footnote usage --since 2026-11-01")
def usage(
    context: typer.Context,
    since: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The first day (UTC) to show.",
            metavar="YYYY-MM-DD",
            show_default="the first of this month",
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what the language model cost.

    By day, purpose and model; also while the bot runs.
    """
    from bot.commands.usage_report import usage as run_usage

    run_to_end(run_usage(_settings(context, data_dir), since.date() if since else None, as_json=as_json))


@app.command(epilog="Example: footnote setup --token - --llm ollama --ingest seeds")
def setup(
    context: typer.Context,
    token: Annotated[
        str | None, typer.Option(help="The bot's token; - reads it from standard input.", callback=_text)
    ] = None,
    message_content: Annotated[
        bool | None,
        typer.Option(
            "--message-content/--no-message-content", help="Whether prefix commands are heard (Message Content Intent)."
        ),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(help="Who writes answers: none, openai, ollama, lm-studio, or an address.", callback=_text),
    ] = None,
    llm_key: Annotated[
        str | None, typer.Option(help="The key to it; - reads it from standard input.", callback=_text)
    ] = None,
    llm_model: Annotated[str | None, typer.Option(help="The model's name there.", callback=_text)] = None,
    papers: Annotated[
        str | None,
        typer.Option("--ingest", help="First papers, as for footnote ingest.", metavar="SOURCE", callback=_text),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a bot ready, and write .env.

    Without options it asks in the terminal; with some it changes just that. Every answer is tried out before.
    """
    from bot.commands.setup import Answers
    from bot.commands.setup import setup as run_setup

    answers = Answers(token, message_content, llm, llm_key, llm_model, papers, data_dir or context.obj)
    if not run_setup(answers):
        raise typer.Exit(1)


@app.command(epilog="Example: footnote doctor")
def doctor(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Check the set-up.

    A line for each part says what is wrong and how to mend it.
    """
    from bot.commands.doctor import run_doctor

    if not run_to_end(run_doctor(lambda: _settings(context, data_dir), as_json=as_json)):
        raise typer.Exit(1)


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
            _settings(context, data_dir),
            dataset,
            split,
            run_file=run_file,
            answers_file=answers_file,
            report=report,
            use_llm=not no_llm,
            as_json=as_json,
        )
    )


@app.command(epilog="Example: footnote run")
def run(context: typer.Context, data_dir: DataDir = None) -> None:
    """Run the Discord bot until it is told to stop."""
    from bot.commands.run import run as run_until_stopped
    from bot.log import show_traces

    show_traces()
    logging.getLogger().setLevel(min(logging.getLogger().level, logging.INFO))
    for name, level in REMARKS.items():
        logging.getLogger(name).setLevel(level)
    run_to_end(run_until_stopped(_settings(context, data_dir)))


@app.command(epilog="Example: footnote demo")
def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 8420,
    data_dir: DataDir = None,
) -> None:
    """Show the Discord bot on a page of this machine.

    It needs no token and no key, answers from seeds/ and forgets everything at the end. With a data dir it answers from
    that library, as the settings say.
    """
    from bot.commands.demo import demo as run_demo

    for name, level in REMARKS.items():
        logging.getLogger(name).setLevel(level)
    configured = bool(data_dir or context.obj)
    run_to_end(run_demo(_settings(context, data_dir), port, configured=configured))


@app.command(epilog="Example: footnote mcp --no-llm")
def mcp(context: typer.Context, no_llm: NoLLM = False, data_dir: DataDir = None) -> None:
    """Serve other programs' models (MCP).

    Over stdin and stdout they get search, ask, similar and get, read-only.
    """
    from bot.commands.mcp import serve

    run_to_end(serve(_settings(context, data_dir), use_llm=not no_llm))


def _settings(context: typer.Context, data_dir: Path | None) -> Settings:
    from bot.settings import Settings

    chosen = data_dir or context.obj
    settings = Settings.load(**({"data_dir": chosen} if chosen else {}))
    if settings.log == "json":
        from bot.log import write_json

        write_json()
    return settings


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work, as `bot.runner.run` does."""
    from bot.runner import run as run_until_done

    return run_until_done(work)
