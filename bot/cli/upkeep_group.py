"""Commands for upkeep: counts, costs, indexes, backups, and moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shared_options import AsJson, DataDir, load_settings, run_to_end

app = typer.Typer()


@app.command(epilog="Example: footnote stats --json")
def stats(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is in the library."""
    from bot.commands.ingest import stats as run_stats

    run_to_end(run_stats(load_settings(context, data_dir), as_json=as_json))


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

    run_to_end(run_usage(load_settings(context, data_dir), since.date() if since else None, as_json=as_json))


@app.command(epilog="Example: footnote rebuild")
def rebuild(context: typer.Context, data_dir: DataDir = None) -> None:
    """Rebuild the indexes from the catalogue.

    Nothing is embedded again.
    """
    from bot.commands.ingest import rebuild as run_rebuild

    run_to_end(run_rebuild(load_settings(context, data_dir)))


@app.command(epilog="Example: FOOTNOTE_DATABASE_URL=postgresql://user:password@host/footnote footnote embed")
def embed(context: typer.Context, data_dir: DataDir = None) -> None:
    """Help to embed a library that several processes share.

    Any number of these may run beside the one process that indexes.
    """
    from bot.commands.ingest import embed as run_embed

    run_to_end(run_embed(load_settings(context, data_dir)))


@app.command(epilog="Example: footnote prune")
def prune(context: typer.Context, data_dir: DataDir = None) -> None:
    """Delete what has been stored for long enough.

    The bot does so every day; this also gives the freed space back to the disk. Stop the bot first.
    """
    from bot.commands.prune import prune as run_prune

    run_to_end(run_prune(load_settings(context, data_dir)))


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

    run_backup(load_settings(context, data_dir), file)


@app.command(epilog="Example: footnote recover footnote-2026-11-27.zip --data-dir new")
def recover(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="What backup wrote.", dir_okay=False, exists=True, readable=True, metavar="FILE")
    ],
    data_dir: DataDir = None,
) -> None:
    """Put a backup into an empty data dir.

    The indexes are rebuilt at the next start, without embedding anything.
    """
    from bot.commands.backup import recover as run_recover

    run_recover(load_settings(context, data_dir), file)


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
