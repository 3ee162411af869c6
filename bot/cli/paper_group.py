"""Commands for the papers themselves: ingest, list, show, remove, restore, export."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import typer

from bot.cli.shared_options import (
    AsJson,
    DataDir,
    OneSource,
    Since,
    load_settings,
    run_to_end,
    utf8,
    utf8_or_files,
)

app = typer.Typer()


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
            callback=utf8_or_files,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Ingest nothing if anything in the files cannot be read.")
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
            help="page: read the files as pages of alternating titles and abstracts, whatever they look like.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ingest papers.

    If it is stopped at any point, it goes on from there the next time.
    """
    from bot.commands.ingest import ingest as run_ingest

    day = since.date() if since else None
    reading = run_ingest(
        load_settings(context, data_dir),
        sources or ["seeds"],
        strict=strict,
        categories=category or [],
        since=day,
        full_text=full_text,
        as_page=taken_as is not None,
    )
    run_to_end(reading)


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

    settings, day = load_settings(context, data_dir), since.date() if since else None
    run_to_end(run_list(settings, limit=limit, since=day, source=source, removed=removed, as_json=as_json))


@app.command(epilog="Example: footnote show arxiv:2002.04523")
def show(
    context: typer.Context,
    paper: Annotated[str, typer.Argument(help="An id or a link, in any spelling.", callback=utf8, metavar="ID")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show all that is known of a paper."""
    from bot.commands.manage_papers import show as run_show

    run_to_end(run_show(load_settings(context, data_dir), paper, as_json=as_json))


@app.command(epilog="Example: footnote remove --source bibtex")
def remove(
    context: typer.Context,
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="Ids or links, in any spelling.", callback=utf8, metavar="[ID]..."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="All papers that this source alone had.", callback=utf8)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what would go is shown.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Take papers out of the library.

    No source brings them in again; it can be undone for 30 days.
    """
    from bot.commands.manage_papers import remove as run_remove

    run_to_end(run_remove(load_settings(context, data_dir), papers or [], source, really=yes))


@app.command(epilog="Example: footnote restore --last")
def restore(
    context: typer.Context,
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="Ids, as list --removed shows.", callback=utf8, metavar="[ID]..."),
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="What the last removal took.")] = False,
    when: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="What was removed at this time (UTC), as list --removed shows it; a day or a minute is all of it.",
            callback=utf8,
            metavar="TIME",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Put removed papers back, of any removal in the last 30 days."""
    from bot.commands.manage_papers import restore as run_restore

    run_to_end(run_restore(load_settings(context, data_dir), papers or [], last=last, when=when))


@app.command(epilog='Example: footnote export --query "objective mismatch" --limit 10 --output refs.bib')
def export(
    context: typer.Context,
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="Ids or links, in any spelling.", callback=utf8, metavar="[ID]..."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="bibtex, ris, csl (JSON for Zotero and Pandoc), csv or jsonl.",
            show_default="what the file's name says, else bibtex",
        ),
    ] = None,
    query: Annotated[str | None, typer.Option(help="Only what a search finds, the best first.", callback=utf8)] = None,
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
            load_settings(context, data_dir),
            papers or [],
            form=form,
            query=query,
            source=source,
            since=since.date() if since else None,
            limit=limit,
            output=output,
        )
    )
