"""Options that several commands share, and what each command does with them first and last."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from bot.settings import Settings

T = TypeVar("T")


def utf8(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse what a shell passed on in another encoding, which nothing behind here could read."""
    for text in [value] if isinstance(value, str) else value or ():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise typer.BadParameter("it is not UTF-8 text.") from None
    return value


def utf8_or_files(values: list[str] | None) -> list[str] | None:
    """Refuse the same of sources, but not of files that exist."""
    utf8([value for value in values or () if not Path(value).exists()])  # a file's name may be any bytes
    return values


def _folder(name: str) -> Path:
    if not name:  # as of a variable that a script did not set; it would be the current folder
        raise typer.BadParameter("an empty name is no folder.")
    utf8(name)  # Chroma takes no other
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
    str | None, typer.Option("--source", help="Only papers of this source, such as seeds.", callback=utf8)
]
NoLLM = Annotated[bool, typer.Option("--no-llm", help="Answer with the papers' own sentences only.")]


def load_settings(context: typer.Context, data_dir: Path | None) -> Settings:
    """Read the settings, with the data dir given before or after the command, and log as they say."""
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
