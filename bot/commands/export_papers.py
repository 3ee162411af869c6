"""`footnote export`: references for other programs, of the library, a search's hits or an answer's citations."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.commands.manage_papers import check_source, known_paper, papers_in_words, say_undated
from bot.console import stderr
from bot.errors import OutputError
from bot.factory import open_library, prepare_library
from bot.files import share
from retrieval import BadInputError
from retrieval.export import FORMATS, export, format_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from bot.settings import Settings
    from retrieval import Library

FOUND = 50  # papers of a search, unless another limit is set


async def export_papers(
    settings: Settings,
    names: Sequence[str],
    *,
    form: str | None,
    query: str | None,
    source: str | None,
    since: dt.date | None,
    limit: int | None,
    output: Path | None,
) -> None:
    """Write papers to a file or to stdout: the named ones, a search's hits, or all in a scope."""
    form = _form(form, output)
    if names and (query is not None or source is not None or since is not None):
        raise BadInputError("Name papers by their ids, or choose them with --query, --source and --since; not both.")
    async with open_library(settings) as library:
        if source is not None:
            await check_source(library, source)
        if names:
            known = [await known_paper(library, name) for name in names]
            ids = list(dict.fromkeys(record.details.paper.paper_id for record in known))
        elif query is not None:
            await prepare_library(library)
            hits = await library.search(query, limit=limit or FOUND, since=since, source=source)
            ids = [hit.paper.paper_id for hit in hits]
        else:
            ids = await library.ids(since=since, source=source)
        await say_undated(library, since, source)
        await write_out(library, ids[:limit], form, output)


async def write_out(library: Library, ids: Sequence[str], form: str, output: Path | None) -> None:
    """Write papers to a file (all or nothing) or to stdout, and report how many."""
    if output is None:
        count = await export(library, ids, form, _print)
        stderr().print(f"Wrote {papers_in_words(count)} as {FORMATS[form].name}.")
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            count = await export(library, ids, form, file.write)
        share(part)
        part.replace(output)
    except OSError as error:
        raise BadInputError(f"{output} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    stderr().print(f"Wrote {papers_in_words(count)} to {output} as {FORMATS[form].name}.")


def _form(form: str | None, output: Path | None) -> str:
    if form is None:
        return format_of(output.name) if output else "bibtex"
    if form not in FORMATS:
        raise BadInputError(f'There is no format "{form}"; choose one of {", ".join(FORMATS)}.')
    return form


def _print(piece: str) -> None:
    """Print in UTF-8, the encoding of references, whatever the terminal's is."""
    if sys.stdout is None:
        raise OutputError("Standard output is closed; name a file with --output.")
    sys.stdout.buffer.write(piece.encode())
