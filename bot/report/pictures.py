"""The report's pictures as SVG; equal figures give equal bytes, so that a committed picture changes only with them."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from bot.report.figures import area, coverage_curve, trade_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bot.report.figures import Bin
    from retrieval.evaluation import Depth

# The page replaces these by its own light or dark colours, by name; elsewhere they stay as they are.
COLOURS: Final = {
    "page": "#ffffff",
    "ink": "#24292e",
    "faint": "#6a737d",
    "grid": "#dfe2e5",
    "first": "#1f6fb4",
    "second": "#b4531a",
}
WIDTH, HEIGHT = 6.4, 4.2  # inches of 72 points
POINTS_ON_CURVE = 60  # up to this many, each is drawn as a dot


def draw_reliability(series: dict[str, list[Bin]]) -> str:
    """Draw confidence against what came true as SVG, with the number of questions in each bin below."""
    with _figure("reliability", HEIGHT + 1.2) as (figure, saved):
        axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        axes.plot((0, 1), (0, 1), color=COLOURS["faint"], linestyle=(0, (4, 4)), linewidth=1, label="perfect")
        width = 0.8 / 10 / max(len(series), 1)
        for number, ((label, bins), colour) in enumerate(
            zip(series.items(), (COLOURS["first"], COLOURS["second"]), strict=False)
        ):
            x, y = [group.confidence for group in bins], [group.share for group in bins]
            above = [group.most - group.share for group in bins]
            below = [group.share - group.least for group in bins]
            marker = "os"[number]
            axes.errorbar(x, y, (below, above), color=colour, linewidth=0, elinewidth=1, alpha=0.45)
            axes.plot(x, y, color=colour, marker=marker, markersize=5, linewidth=1.5, label=label)
            shift = (number - (len(series) - 1) / 2) * width
            middles = [(group.low + group.high) / 2 + shift for group in bins]
            bars = counts.bar(middles, [group.count for group in bins], width=width, color=colour, linewidth=0)
            counts.bar_label(bars, fontsize=7, padding=1, color=COLOURS["ink"])
        _shares(axes, "", "share that came true")
        _legend(figure, axes)
        counts.set_xlabel("confidence")
        counts.set_ylabel("questions")
        counts.margins(y=0.35)
        counts.grid(visible=False)
    return saved.getvalue()


def draw_refusal(answerable: Sequence[float], unanswerable: Sequence[float], threshold: float) -> str:
    """Draw refusal against coverage for every threshold as SVG, with the threshold in use marked."""
    curve = coverage_curve(answerable, unanswerable)
    now = trade_at(threshold, answerable, unanswerable)
    with _figure("refusal", HEIGHT) as (figure, saved):
        axes = figure.subplots()
        axes.plot(
            [trade.answered for trade in curve],
            [trade.refused for trade in curve],
            color=COLOURS["first"],
            linewidth=1.8,
            marker="." if len(curve) <= POINTS_ON_CURVE else None,
            label=f"every threshold (area {area(curve):.3f})",
        )
        axes.plot(
            now.answered,
            now.refused,
            color=COLOURS["second"],
            marker="D",
            markersize=8,
            linewidth=0,
            label=f"threshold in use ({threshold:g})",
        )
        _shares(axes, "answerable questions answered", "unanswerable questions refused")
        _legend(figure, axes)
    return saved.getvalue()


def draw_recall(depths: Sequence[Depth]) -> str:
    """Draw recall and success at k as SVG."""
    with _figure("recall", HEIGHT) as (figure, saved):
        axes = figure.subplots()
        ks = [depth.k for depth in depths]
        for label, values, colour, marker in (
            ("a right paper is among them", [depth.success for depth in depths], COLOURS["second"], "s"),
            ("share of the right papers (recall)", [depth.recall for depth in depths], COLOURS["first"], "o"),
        ):
            axes.plot(ks, values, color=colour, marker=marker, markersize=5, linewidth=1.5, label=label)
        _shares(axes, "the first k papers", "share, averaged over questions")
        axes.set_xscale("log")
        axes.set_xlim(min(ks) * 0.9, max(ks) * 1.1)
        axes.set_xticks(ks, labels=[str(k) for k in ks], minor=False)
        axes.set_xticks([], minor=True)
        _legend(figure, axes)
    return saved.getvalue()


def _shares(axes: Axes, x: str, y: str) -> None:
    """Scale the axes from 0 to 1, with some room for the marks at the ends."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _legend(figure: Figure, axes: Axes) -> None:
    """Put the legend above the axes, where it hides nothing."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left")


@contextmanager
def _figure(name: str, height: float) -> Iterator[tuple[Figure, io.StringIO]]:
    """Yield an empty figure and the buffer for its SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ink, faint = COLOURS["ink"], COLOURS["faint"]
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 10,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": faint,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": COLOURS["grid"],
        "grid.linewidth": 0.7,
        "xtick.color": faint,
        "ytick.color": faint,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "savefig.facecolor": COLOURS["page"],
    }
    with mpl.rc_context(style):
        # A figure without pyplot needs no window and no backend, and leaves no global state.
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        saved = io.StringIO()
        yield figure, saved
        figure.savefig(saved, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
