"""The printed lines of a PDF in reading order, without running heads, page numbers and rotated text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypdf import PageObject

MARGIN: Final = 0.11  # running heads are within this share of the page height from top or bottom
SAME_LINE: Final = 0.55  # text raised or lowered by less than this share of the font size is still on the line
SIDEWAYS: Final = 0.1  # text that slopes more than this counts as rotated

_BOLD: Final = re.compile(r"bold|black|heavy|demi|medi(?!um)|CMBX|-B\b|SFBX", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_ARXIV: Final = re.compile(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?\s*\[")
# Ligatures only, because NFKC on everything would turn ² into 2.
_LIGATURES: Final = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
# Characters that PostgreSQL or UTF-8 reject, soft hyphens, and glyphs without a character.
NOT_TEXT: Final = {0: None, 0xAD: None, 0xFFFD: None, **dict.fromkeys(range(0xD800, 0xE000))}


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line: its page (from 1), position and font size in points, and text."""

    page: int
    x: float
    y: float
    size: float
    bold: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Piece:
    x: float
    y: float
    size: float
    bold: bool
    text: str


def lines_of(pages: Sequence[PageObject]) -> tuple[list[Line], str]:
    """The lines of all pages, in the PDF's order, and the arXiv id stamped on the first page ("" if there is none)."""
    found: list[list[Line]] = []
    heights: list[tuple[float, float]] = []
    stamp = ""
    for number, page in enumerate(pages, start=1):
        upright, sideways = _pieces(page)
        if number == 1 and (match := _ARXIV.search(sideways)):
            stamp = match[1]
        found.append(_lines(upright, number))
        heights.append((float(page.mediabox.bottom), float(page.mediabox.height)))
    return _without_running_heads(found, heights), stamp


def _pieces(page: PageObject) -> tuple[list[_Piece], str]:
    """The upright pieces of a page, and all rotated text joined."""
    upright: list[_Piece] = []
    sideways: list[str] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: dict[str, Any] | None, size: float) -> None:
        text = text.translate(_LIGATURES).translate(NOT_TEXT)
        if not text.strip():
            if upright and "\n" in text:
                upright.append(_Piece(0.0, 0.0, 0.0, bold=False, text="\n"))
            return
        across, along = tm[0] * cm[0] + tm[1] * cm[2], tm[0] * cm[1] + tm[1] * cm[3]
        if abs(along) > SIDEWAYS * abs(across):
            sideways.append(text)
            return
        x, y = tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        name = str((font or {}).get("/BaseFont", ""))
        upright.append(_Piece(x, y, abs(size * across), bool(_BOLD.search(name)), text))

    page.extract_text(visitor_text=visit)
    return upright, "".join(sideways)


def _lines(pieces: Sequence[_Piece], page: int) -> list[Line]:
    lines: list[Line] = []
    run: list[_Piece] = []

    def end() -> None:
        text = " ".join("".join(piece.text for piece in run).split())
        if text:
            # The most common size counts, because indices and footnote marks are smaller.
            sizes: Counter[tuple[float, bool]] = Counter()
            for piece in run:
                sizes[round(piece.size, 1), piece.bold] += len(piece.text.strip())
            (size, bold), _ = sizes.most_common(1)[0]
            bold = bold and all(piece.bold for piece in run if any(map(str.isalpha, piece.text)))
            lines.append(Line(page, run[0].x, run[0].y, size, bold, text))
        run.clear()

    for piece in pieces:
        if piece.text == "\n":
            end()
            continue
        if run and abs(piece.y - run[0].y) > SAME_LINE * max(piece.size, run[0].size):
            end()
        *whole, last = piece.text.split("\n")
        for part in whole:
            if part.strip():
                run.append(_Piece(piece.x, piece.y, piece.size, piece.bold, part))
            end()
        if last.strip() or (last and run):
            run.append(_Piece(piece.x, piece.y, piece.size, piece.bold, last))
    end()
    return lines


def _without_running_heads(pages: Sequence[Sequence[Line]], heights: Sequence[tuple[float, float]]) -> list[Line]:
    """Drop page numbers, and lines at the top or bottom of a page that other pages repeat, whatever their digits."""

    def at_edge(line: Line) -> bool:
        bottom, height = heights[line.page - 1]
        share = (line.y - bottom) / height if height else 0.5
        return share < MARGIN or share > 1 - MARGIN

    edges = Counter(key for page in pages for key in {_DIGITS.sub("#", line.text) for line in page if at_edge(line)})
    return [
        line
        for page in pages
        for line in page
        if not at_edge(line) or not ((key := _DIGITS.sub("#", line.text)).strip(" -–—|.") == "#" or edges[key] > 1)
    ]
