"""Draw the map of a week's papers as a PNG for Discord, whose dark theme it is made for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.digest.roundup import Map

BACKGROUND: Final = "#2b2d31"  # of cards in Discord's dark theme
INK: Final = "#f2f3f5"
FAINT: Final = "#b5bac1"
# Ten colours of one lightness that colour-blind readers tell apart better than most; names stand beside them anyway.
COLOURS: Final = (
    "#7aa2f7",
    "#f7a072",
    "#73daca",
    "#e78ac3",
    "#e0c268",
    "#a6d854",
    "#b4a0ff",
    "#ff8f8f",
    "#9ad0ec",
    "#d8b08c",
)
WIDTH, HEIGHT, DPI = 10.0, 6.6, 150  # inches, and dots to each


def draw(chart: Map, title: str, posted: Collection[int], legend: str) -> bytes:
    """Return the map as a PNG of 1500 by 990 dots; `posted` are the papers with a star, which `legend` explains."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.88))
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="datalim")
    size = float(np.clip(26_000 / max(len(chart.points), 1), 14, 90))
    marked = np.zeros(len(chart.points), bool)
    marked[list(posted)] = True
    outline = [withStroke(linewidth=3.5, foreground=BACKGROUND)]
    for number, cluster in enumerate(chart.clusters):
        members = np.array(cluster.members)
        colour = COLOURS[number % len(COLOURS)]
        plain = chart.points[members[~marked[members]]]
        axes.scatter(plain[:, 0], plain[:, 1], s=size, color=colour, alpha=0.75, linewidths=0)
        stars = chart.points[members[marked[members]]]
        axes.scatter(
            stars[:, 0], stars[:, 1], s=330, marker="*", color="white", edgecolors=colour, linewidths=1.6, zorder=4
        )
    for number, cluster in enumerate(chart.clusters):
        axes.text(
            cluster.x,
            cluster.y + cluster.radius,
            f"{cluster.name.replace(', ', chr(10))}  {len(cluster.members)}",
            color=COLOURS[number % len(COLOURS)],
            fontsize=12,
            fontweight="bold",
            ha="center",
            va="bottom",
            linespacing=1.15,
            path_effects=outline,
            zorder=5,
            parse_math=False,
        )
    axes.margins(0.05, 0.07)
    figure.text(0.025, 0.945, title, color=INK, fontsize=17, fontweight="bold", va="center", parse_math=False)
    if marked.any():
        figure.text(0.975, 0.945, legend, color=FAINT, fontsize=12, ha="right", va="center", parse_math=False)
    saved = io.BytesIO()
    figure.savefig(saved, format="png", facecolor=BACKGROUND)
    return saved.getvalue()
