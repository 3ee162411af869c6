"""Draw the map of a week's papers as a PNG, for Discord's dark theme."""

from __future__ import annotations

import io
from itertools import cycle
from math import cos, pi, sin, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray
    from PIL.Image import Image

    from bot.digest.roundup import Map

BACKGROUND: Final = "#2b2d31"  # of cards in Discord's dark theme
INK: Final = "#f2f3f5"
FAINT: Final = "#b5bac1"
# Ten colours of equal lightness, easier to tell apart than most for colour-blind readers; clusters also have names.
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
SIZE: Final = (1500, 990)
ROOM: Final = (100, 170, 1400, 920)  # left, top, right and bottom of the area for the centres of points
FONT: Final = Path(__file__).with_name("DejaVuSans-Bold.ttf")
LARGE, SMALL = 35, 25  # pixels per em
OUTLINE: Final = 4  # pixels of background around names
ALL_POINTS: Final = 113_000  # pixels that the squares of all points may cover together
SMALLEST, LARGEST = 8, 20  # width of a point in pixels
STAR, RIM = 31, 44  # width in pixels of a star, and of the larger one behind it that forms its rim
INNER: Final = 0.382  # distance of a five-pointed star's inner corners from its centre; the outer ones are at 1
FINER: Final = 8  # shapes are drawn this many times larger and then scaled down, for smooth edges
SHOWN: Final = 0.75  # opacity of a point, so that what lies beneath shows through


def draw(chart: Map, title: str, posted: Collection[int], legend: str) -> bytes:
    """Draw a PNG of 1500 by 990 pixels; `posted` are the indices of papers with a star, which `legend` explains."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", SIZE, BACKGROUND)
    pen = ImageDraw.Draw(image)
    large, small = (ImageFont.truetype(FONT, size) for size in (LARGE, SMALL))
    to_dot = _fit(chart.points)
    across = np.clip(sqrt(ALL_POINTS / max(len(chart.points), 1)), SMALLEST, LARGEST)
    point, star, rim = _disc(round(across)), _star(STAR), _star(RIM)
    stars = set(posted)
    for cluster, colour in zip(chart.clusters, cycle(COLOURS), strict=False):
        for index in set(cluster.members) - stars:
            _stamp(image, point, to_dot(*chart.points[index]), colour)
    for cluster, colour in zip(chart.clusters, cycle(COLOURS), strict=False):
        for index in stars.intersection(cluster.members):
            _stamp(image, rim, to_dot(*chart.points[index]), colour)
            _stamp(image, star, to_dot(*chart.points[index]), "white")
    for cluster, colour in zip(chart.clusters, cycle(COLOURS), strict=False):
        name = f"{cluster.name.replace(', ', chr(10))}  {len(cluster.members)}"
        pen.multiline_text(
            to_dot(cluster.x, cluster.y + cluster.radius),
            name,
            colour,
            small,
            anchor="md",
            spacing=-3,
            align="center",
            stroke_width=OUTLINE,
            stroke_fill=BACKGROUND,
        )
    pen.text((37, 55), title, INK, large, anchor="lm")
    if stars:
        pen.text((1463, 55), legend, FAINT, small, anchor="rm")
    saved = io.BytesIO()
    image.save(saved, "PNG")
    return saved.getvalue()


def _fit(points: NDArray[np.float64]) -> Callable[[float, float], tuple[float, float]]:
    """A function from map coordinates to pixels, with one scale for both axes, that centres the map in ROOM."""
    left, top, right, bottom = ROOM
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = np.maximum(high - low, 1e-9)
    scale = min((right - left) / width, (bottom - top) / height)
    x, y = (low + high) / 2
    return lambda across, up: ((left + right) / 2 + (across - x) * scale, (top + bottom) / 2 - (up - y) * scale)


def _disc(across: int) -> Image:
    """The mask of a translucent disc."""
    corners = [(0.5 + cos(turn) / 2, 0.5 + sin(turn) / 2) for turn in np.linspace(0, 2 * pi, 64)]
    return _shape(across, corners).point(lambda shade: shade * SHOWN)


def _star(across: int) -> Image:
    """The mask of a star that stands on two of its points."""
    corners = []
    for corner in range(10):
        reach, turn = (INNER if corner % 2 else 1) / 2, corner * pi / 5
        corners.append((0.5 + reach * sin(turn), 0.5 - reach * cos(turn)))
    return _shape(across, corners)


def _shape(across: int, corners: list[tuple[float, float]]) -> Image:
    from PIL import Image, ImageDraw

    fine = Image.new("L", (across * FINER, across * FINER))
    ImageDraw.Draw(fine).polygon([(x * fine.width, y * fine.height) for x, y in corners], 255)
    return fine.resize((across, across), Image.Resampling.BOX)


def _stamp(image: Image, shape: Image, middle: tuple[float, float], colour: str) -> None:
    x, y = middle
    image.paste(colour, (round(x - shape.width / 2), round(y - shape.height / 2)), shape)
