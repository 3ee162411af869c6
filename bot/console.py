"""Show answers, hits and progress in a terminal: rich for people, plain text for pipes."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

from bot import streams
from bot.errors import OutputError
from retrieval.text.text import clean, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType
    from rich.progress import TaskID

    from bot.answering import Answer
    from retrieval import Hit, Paper
    from retrieval.catalogue.merge import Known
    from retrieval.progress import Progress as Report

# Pipes have no width; rich must not wrap their lines.
PIPED_WIDTH = 100_000


class _Results(Console):
    """Exit with success when the reader of a pipe, such as `head`, has seen enough."""

    def on_broken_pipe(self) -> None:
        streams.silence()
        raise SystemExit(0)


def stdout() -> Console:
    """Make a console for results: coloured and wrapped in a terminal, plain and unwrapped in a pipe.

    Raises OutputError if standard output is closed.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed, so the result has nowhere to go; run it again with it open.")
    return _Results(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, markup=False)


def stderr() -> Console:
    """Make a console for progress and remarks."""
    return Console(stderr=True, highlight=False, markup=False)


def print_json(value: object) -> None:
    """Print a value as JSON to stdout, with non-ASCII characters if the stream supports them."""
    console = stdout()
    console.out(json.dumps(value, ensure_ascii=not console.encoding.startswith("utf"), indent=2), highlight=False)


def show_answer(answer: Answer, console: Console) -> None:
    """Print statements with their numbers, then each paper: number, title, link, and quotes not yet shown above."""
    console.print(_refused(answer) if answer.refused else _answered(answer))
    if answer.note:
        console.print(Text(answer.note, style="yellow"))


def show_hits(hits: Sequence[Hit], console: Console) -> None:
    """Print ranked papers, each with its best passage."""
    if not hits:
        console.print("No paper found.")
    for rank, hit in enumerate(hits, start=1):
        about = [hit.paper.source, *([hit.paper.published.isoformat()] if hit.paper.published else [])]
        console.print(Text.assemble((f"{rank:>3}. ", "dim"), _title(hit.paper.title, hit.paper.url)))
        console.print(Padding(Text(", ".join(about), style="dim"), (0, 0, 0, 5), expand=False))
        if hit.passages:
            console.print(Padding(Text(_shortened(clean(hit.passages[0].text))), (0, 0, 0, 5), expand=False))


def show_papers(papers: Sequence[Paper], console: Console) -> None:
    """Print papers, each with its id."""
    if not papers:
        console.print("No paper found.")
    for paper in papers:
        about = [paper.paper_id, paper.source, *([paper.published.isoformat()] if paper.published else [])]
        console.print(_title(paper.title, paper.url))
        console.print(Padding(Text(", ".join(about), style="dim"), (0, 0, 0, 4), expand=False))


def show_paper(known: Known, console: Console) -> None:
    """Print everything known about a paper."""
    details, paper = known.details, known.details.paper
    console.print(_title(paper.title, paper.url))
    rows = {
        "authors": ", ".join(details.authors),
        "published": paper.published.isoformat() if paper.published else "",
        "venue": details.venue or "",
        "link": paper.url or "",
        "code": details.code_url or "",
        "ids": ", ".join(details.external_ids),
        "sources": ", ".join(sorted(known.sources)),
        "keywords": ", ".join(details.keywords),
        "categories": ", ".join(details.categories),
        "version": str(details.version or ""),
        "withdrawn": known.withdrawn_by and f"according to {known.withdrawn_by}",
    }
    for name, value in rows.items():
        if value:
            console.print(Text.assemble((f"{name}: ", "dim"), printable(value)))
    console.print(Text(f"\n{clean(paper.abstract)}" if paper.abstract else "\nNo abstract is known."))


def show_figures(title: str, rows: Mapping[str, object], console: Console) -> None:
    """Print names and figures as two columns."""
    from rich.table import Table

    console.print(Text(title, style="bold"))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, _figure(value))
    console.print(table)


def _figure(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar(label: str) -> Iterator[Report]:
    """Yield a function that updates a progress bar on stderr; the bar appears with the first update."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), disable=not sys.stderr.isatty()) as bar:
        tasks: list[TaskID] = []

        def report(done: int, total: int) -> None:
            if not tasks:
                tasks.append(bar.add_task(label, total=total))
            bar.update(tasks[0], completed=done, total=total)

        yield report


def _answered(answer: Answer) -> RenderableType:
    lines = [Text(answer.lead, style="yellow")] if answer.lead else []
    lines += [
        Text.assemble(printable(s.text), " ", ("".join(f"[{number}]" for number in s.citations), "bold cyan"))
        for s in answer.statements
    ]
    stated = [fold(statement.text) for statement in answer.statements]
    sources: list[RenderableType] = []
    shown: set[int] = set()
    located: set[tuple[int, str]] = set()
    for citation in answer.citations:
        if citation.number not in shown:
            shown.add(citation.number)
            sources.append(Text.assemble((f"[{citation.number}] ", "bold cyan"), _title(citation.title, citation.url)))
        if citation.location and (source := (citation.number, citation.location)) not in located:
            located.add(source)
            sources.append(Padding(Text(printable(citation.location), style="dim"), (0, 0, 0, 4), expand=False))
        if not any(fold(citation.quote) in text for text in stated):  # unless stated above word for word
            sources.append(Padding(Text(f"“{printable(citation.quote)}”", style="italic"), (0, 0, 0, 4), expand=False))
    return Group(*lines, Text(), *sources)


def _refused(answer: Answer) -> RenderableType:
    lines: list[RenderableType] = [Text(printable(answer.text))]
    if answer.nearest:
        lines.append(Text("The nearest papers:", style="dim"))
        lines += [Text.assemble("  • ", _title(near.title, near.url)) for near in answer.nearest]
    if answer.choices:
        lines.append(Text("You could ask:", style="dim"))
    lines += [
        Text.assemble((f"  {number}. ", "bold cyan"), printable(choice))
        for number, choice in enumerate(answer.choices, start=1)
    ]
    return Group(*lines)


def _title(title: str, url: str | None) -> Text:
    """Format a title, as a link in terminals; foreign text never reaches rich's markup."""
    safe = url if url and printable(url) == url and url.startswith(("http://", "https://")) else None
    return Text(printable(clean(title)), style=f"bold link {safe}" if safe else "bold")


def printable(text: str) -> str:
    """Put foreign text on one line, without characters that control a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _shortened(text: str, limit: int = 240) -> str:
    """Shorten the text at a word boundary near `limit` characters."""
    text = printable(text)
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"
