"""The tables and the chart of `bench.all`, for docs/performance.md."""

from __future__ import annotations

import io
import os
import re
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.comparison import FIRST, LIMIT, without_model
from bench.peers.protocol import QUERY_MODEL, Spent
from bench.peers.registry import PEERS
from bench.questions import ERROR
from bot.report.pictures import COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bench.comparison import Measured, Run

BEGIN, END = "<!-- bench.all writes from here -->", "<!-- bench.all writes to here -->"
HEADING = "## Beside what people build instead"


def write_section(run: Run, page: Path) -> None:
    """Write a run's tables between the two markers of a page, or at its end if it has none."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    tables = f"{BEGIN}\n\n{section(run)}\n\n{END}"
    if BEGIN in text:
        text = re.sub(f"{BEGIN}.*{END}", lambda _: tables, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{HEADING}\n\n{tables}\n".lstrip()
    page.write_text(text, encoding="utf-8")


def section(run: Run) -> str:
    """All tables of a run."""
    parts = [
        f"```\n{run.command}\n```",
        scale(run),
        "![Footnote beside what people build instead](pictures/peers.svg)",
        "### Papers taken in",
        ingests(run),
        "### The same queries",
        searches(run),
    ]
    if "footnote" in run.peers and run.peers["footnote"].searches:
        parts += ["Footnote's search in parts, ms of the processors (p50 of each part):", steps(run.peers["footnote"])]
    if run.questions:
        parts += ["### Answers", answers(run)]
    return "\n\n".join(parts)


def scale(run: Run) -> str:
    """The size of the run, and the load of the machine."""
    return (
        f"{len(run.task.papers)} papers, taken in {run.task.rounds} × (the best counts), and "
        f"{len(run.task.queries)} queries; {os.cpu_count()} cores with a load of {run.load[0]:.0f} before and "
        f"{run.load[1]:.0f} after."
    )


def ingests(run: Run) -> str:
    """The table of ingest times, with ratios to the bare model if it was measured."""
    bare = run.peers.get("bare-model")
    base = best(bare) if bare and bare.ingests else None
    rows = []
    for name, measured in run.peers.items():
        if measured.trouble or not measured.ingests or measured.start is None:
            rows.append([PEERS[name].label, f"not run: {measured.trouble}", *[""] * 4])
            continue
        spent = best(measured)
        rows.append(
            [
                PEERS[name].label,
                f"{spent.processors:.1f}",
                f"{base.processors / spent.processors:.2f}" if base else "",
                f"{spent.passed:.1f}",
                f"{measured.start.spent.processors:.1f}",
                f"{max(done.memory['most'] for done in measured.ingests):.0f}",
            ]
        )
    return table(
        [
            "",
            "s of the processors",
            "speed, the bare model's being 1",
            "s passed",
            "start, s of the processors",
            "MB at most",
        ],
        rows,
    )


def best(measured: Measured) -> Spent:
    """The minimum over all rounds, of wall-clock and CPU time separately: the least disturbed one."""
    spent = [done.spent for done in measured.ingests]
    return Spent(min(each.passed for each in spent), min(each.processors for each in spent))


def searches(run: Run) -> str:
    """The table of search times and of the share of queries with a relevant paper among the first."""
    rows = []
    for name, measured in run.peers.items():
        if not measured.searches:
            continue
        whole = [done.spent for done in measured.searches]
        rest = [without_model(done) for done in measured.searches]
        rows.append(
            [
                PEERS[name].label,
                ms(each.processors for each in whole),
                ms(each.processors for each in rest),
                " / ".join(ms((each.passed for each in rest), at) for at in (0.5, 0.95)),
                f"{fmean(measured.right):.3f}",
                "exact" if measured.recall is None else f"{measured.recall:.3f}",
            ]
        )
    return table(
        [
            "",
            "ms of the processors, p50",
            "… without the query's embedding",
            "… ms passed, p50 / p95",
            f"a right paper among the first {FIRST}",
            f"nearest {LIMIT} vectors found",
        ],
        rows,
    )


def steps(measured: Measured) -> str:
    """The times of the parts of a search."""
    names = dict.fromkeys(name for done in measured.searches for name in done.parts)
    found = {name: [done.parts[name].processors for done in measured.searches if name in done.parts] for name in names}
    known = [without_model(done).processors for done in measured.searches]
    named = [
        sum(part.processors for name, part in done.parts.items() if name != QUERY_MODEL) for done in measured.searches
    ]
    found["everything else"] = [all_ - some for all_, some in zip(known, named, strict=True)]
    return table(list(found), [[ms(each) for each in found.values()]])


def answers(run: Run) -> str:
    """The tables of the start, the first statement, concurrent questions, and the soak test."""
    told: dict[str, list[dict[str, Any]]] = {}
    for each in run.questions:
        told.setdefault(each["part"], []).append(each)
    start = told["start"][0]
    began = (
        f"From the start of a process to its first answer: {start['processors']:.1f} s of the processors, "
        f"{run.start:.1f} s passed, {start['memory']:.0f} MB resident then."
    )
    parts = [
        began,
        "Seconds passed until the first whole statement, for Footnote one that is checked, and until the end:",
        table(
            ["", "answers", "first statement, p50 / p95", "whole, p50 / p95"],
            [[each["way"], each["answers"], pair(each["first"]), pair(each["whole"])] for each in told["first"]],
        ),
    ]
    if "at once" in told:
        parts.append(
            table(
                ["questions at once", "s until answered, p50 / p95", "s of the processors each", "outcomes", "MB"],
                [
                    [
                        each["questions"],
                        pair(each["took"]),
                        f"{each['processors'] / each['questions']:.3f}",
                        outcomes(each["outcomes"]),
                        f"{each['memory']:.0f}",
                    ]
                    for each in told["at once"]
                ],
            )
        )
    parts += map(soak, told.get("soak", []))
    return "\n\n".join(parts)


def soak(told: dict[str, Any]) -> str:
    """The table of the soak test, comparing its first and last quarter."""
    return (
        f"Four people asking for {told['seconds'] / 60:g} min without a pause: {told['questions']} answers "
        f"({outcomes(told['outcomes'])}), p50 / p95 {pair(told['first'])} s in the first quarter and "
        f"{pair(told['last'])} s in the last; memory at most "
        f"{', '.join(f'{each:.0f}' for each in told['memory'])} MB in one quarter after the other."
    )


def outcomes(found: dict[str, int]) -> str:
    """The number of answers by outcome, and of errors if there were any."""
    none = {} if any(kind.startswith(ERROR) for kind in found) else {"errors": 0}
    return ", ".join(f"{number} {kind}" for kind, number in sorted((found | none).items()))


def pair(quantiles: Sequence[float]) -> str:
    """p50 and p95, in seconds."""
    return " / ".join(f"{each:.2f}" for each in quantiles) or "–"


def ms(seconds: Iterable[float], quantile: float = 0.5) -> str:
    """A quantile, in milliseconds."""
    return f"{np.quantile(list(seconds), quantile) * 1000:.1f}"


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def draw(run: Run) -> str:
    """Bar charts of ingest, search and quality, side by side, as an SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    papers = len(run.task.papers)
    panels: list[tuple[str, Callable[[Measured], float]]] = [
        ("papers taken in\na processor's second", lambda each: papers / best(each).processors),
        (
            "ms of the processors a search,\nwithout the query's embedding",
            lambda each: median(without_model(done).processors for done in each.searches) * 1000,
        ),
        (f"share of queries with a right\npaper among the first {FIRST}", lambda each: fmean(each.right)),
    ]
    shown = {name: each for name, each in run.peers.items() if each.ingests and each.searches}
    names = list(reversed(shown))
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "peers",
        "font.size": 9,
        "text.color": COLOURS["ink"],
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.6, 0.42 * len(names) + 0.9), layout="constrained")
        for axes, (title, value) in zip(np.ravel(figure.subplots(1, len(panels), sharey=True)), panels, strict=True):
            colours = [COLOURS["first"] if name == "footnote" else COLOURS["faint"] for name in names]
            bars = axes.barh(
                [PEERS[name].label for name in names], [value(shown[name]) for name in names], color=colours
            )
            axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
            axes.set_title(title, fontsize=9)
            axes.margins(x=0.18)
            axes.set_xticks([])
            axes.spines[["top", "right", "bottom"]].set_visible(False)
        saved = io.StringIO()
        figure.savefig(saved, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return saved.getvalue()
