"""Print papers as PDFs in the styles of journals and preprints, and record the page that each word is on.

A written paper is text: title, authors, where they work, then sections under "# heading", one paragraph per line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from fpdf import FPDF

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITTEN = Path(__file__).parent / "written"
FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ"}
VOWELS = "aeiou"


@dataclass(frozen=True)
class Style:
    """How a paper is set: columns, font size in points, headers and footers, hyphens and ligatures."""

    columns: int = 1
    size: float = 10.5
    head: str = ""
    hyphens: bool = True
    ligatures: bool = False
    heading: float = 1.2  # relative to `size`
    stamp: str = ""
    indent: bool = False
    footnote: str = ""


STYLES = {
    "hivetone": Style(head="Olsen and Banks: HiveTone, page {page}"),
    "ledgerlens": Style(columns=2, size=8.5, head="Preprint. Under review."),
    "frostwalk": Style(heading=1.0, stamp="arXiv:2611.04321v2 [cs.RO] 9 Nov 2026", indent=True),
    "quietward": Style(columns=2, size=8, ligatures=True, heading=1.0, head="Ward Medicine {page} (2026)"),
    "tidegrid": Style(hyphens=False, ligatures=True, footnote="1 Corresponding author; see the last page for funds."),
}


@dataclass
class Printed:
    """A printed paper: its bytes, its title, and its words in reading order with their pages."""

    data: bytes
    title: str
    abstract: str
    words: list[tuple[str, int]] = field(default_factory=list)

    def page_of(self, fact: str) -> int:
        """Find the page that some words are on; the first page, if they run over to the next."""
        wanted = fact.split()
        said = [word for word, _ in self.words]
        at = next(
            start
            for start in range(len(said))
            if [word.strip(".,;:") for word in said[start : start + len(wanted)]] == [w.strip(".,;:") for w in wanted]
        )
        return self.words[at][1]


def print_paper(name: str, style: Style | None = None) -> Printed:
    return _Press(style or STYLES[name]).print((WRITTEN / f"{name}.txt").read_text(encoding="utf-8"))


class _Press:
    def __init__(self, style: Style) -> None:
        self.style = style
        self.pdf = FPDF(format=(420, 595), unit="pt")
        self.pdf.set_auto_page_break(False)
        for face, file in (("", "DejaVuSerif.ttf"), ("B", "DejaVuSerif-Bold.ttf")):
            self.pdf.add_font("Serif", face, FONTS / file)
        self.width, self.height = self.pdf.w, self.pdf.h
        self.column = 0
        self.words: list[tuple[str, int]] = []
        self.top = 60.0
        self._page()

    def print(self, text: str) -> Printed:
        front, *sections = text.split("\n# ")
        title, *authors = front.strip().split("\n")
        self._centred(title, self.style.size * 1.6, bold=True)
        for line in authors:
            self._centred(line, self.style.size)
        self.y += 10
        self.top = self.y
        abstract = ""
        for section in sections:
            heading, *paragraphs = section.strip().split("\n")
            if heading == "Abstract":
                abstract = paragraphs[0]
            self._heading(heading)
            for paragraph in paragraphs:
                self._paragraph(paragraph)
        return Printed(bytes(self.pdf.output()), title, abstract, self.words)

    def _page(self) -> None:
        self.pdf.add_page()
        style, page = self.style, self.pdf.page_no()
        if page > 1:
            self.top = 60.0
        self._font(7)
        if style.head:
            self.pdf.text(50, 32, style.head.format(page=page))
        self.pdf.text(self.width / 2, self.height - 25, str(page))
        if style.stamp and page == 1:
            self._font(16)
            with self.pdf.rotation(90, 22, 400):
                self.pdf.text(22, 400, style.stamp)
        self.y, self.column = self.top, 0

    def _font(self, size: float, *, bold: bool = False) -> None:
        self.pdf.set_font("Serif", "B" if bold else "", size)

    def _centred(self, text: str, size: float, *, bold: bool = False) -> None:
        self._font(size, bold=bold)
        for line in self._broken(text, self.width - 100, record=False):
            self.pdf.text((self.width - self.pdf.get_string_width(line)) / 2, self.y, line)
            self.y += 1.3 * size

    def _heading(self, text: str) -> None:
        size = self.style.size * self.style.heading
        self.y += size
        self._room(3 * size)
        self._font(size, bold=True)
        self._set(text, size, record=False)
        self.y += 3

    def _paragraph(self, text: str) -> None:
        self._font(self.style.size)
        self._set(text, self.style.size, record=True, indent=12 if self.style.indent else 0)
        self.y += 0 if self.style.indent else 5

    def _set(self, text: str, size: float, *, record: bool, indent: float = 0) -> None:
        room = (self.width - 100 - 14 * (self.style.columns - 1)) / self.style.columns
        for number, line in enumerate(self._broken(text, room - indent, record=record)):
            self._room(size)
            shift = indent if number == 0 else 0
            self.pdf.text(50 + self.column * (room + 14) + shift, self.y, line)
            if record:
                page = self.pdf.page_no()
                self.words += [(word, page) for word in self.begun]
            self.y += 1.35 * size

    def _room(self, size: float) -> None:
        if self.y + size < self.height - 75:
            return
        if self.column + 1 < self.style.columns:
            self.column += 1
            self.y = self.top
        else:
            kept = self.pdf.font_size_pt, self.pdf.font_style
            if self.style.footnote and self.pdf.page_no() == 1:
                self._font(self.style.size * 0.75)
                self.pdf.text(50, self.height - 62, self.style.footnote)
            self._page()
            self._font(kept[0], bold=kept[1] == "B")

    def _broken(self, text: str, room: float, *, record: bool) -> Iterator[str]:
        """Break a text into lines; `begun` has the words that begin in the line just yielded."""
        line, self.begun = "", []
        for word in text.split():
            drawn = self._drawn(word)
            both = f"{line} {drawn}".strip()
            if self.pdf.get_string_width(both) <= room:
                line = both
                self.begun.append(word)
                continue
            cut = self._cut(word, room - self.pdf.get_string_width(f"{line} ")) if self.style.hyphens and record else 0
            if cut:
                self.begun.append(word)
                yield f"{line} {self._drawn(word[:cut])}-".strip()
                line, self.begun = self._drawn(word[cut:]), []
            else:
                yield line
                line, self.begun = drawn, [word]
        yield line

    def _cut(self, word: str, room: float) -> int:
        """Find after how many letters to cut a long word, before a consonant that a vowel follows; 0 means nowhere."""
        if not word.isalpha() or len(word) < 7:
            return 0
        for at in range(len(word) - 3, 2, -1):
            before_syllable = word[at] not in VOWELS and word[at + 1] in VOWELS
            if before_syllable and self.pdf.get_string_width(f"{self._drawn(word[:at])}-") <= room:
                return at
        return 0

    def _drawn(self, word: str) -> str:
        if self.style.ligatures:
            for letters, one in LIGATURES.items():
                word = word.replace(letters, one)
        return word
