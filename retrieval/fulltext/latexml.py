"""Parses arXiv's HTML papers, which are made by LaTeXML, by LaTeXML's CSS classes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from retrieval.fulltext.article import Article, FullText, Section
from retrieval.fulltext.lines import NOT_TEXT
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

# Elements that start a section; the titles of smaller elements (a paragraph, a theorem) stay in the text.
_SECTIONS: Final = frozenset({"part", "chapter", "section", "subsection", "subsubsection", "appendix"})
_OWN_TITLES: Final = frozenset({"ltx_title_document", *(f"ltx_title_{name}" for name in _SECTIONS)})
_LEFT_OUT: Final = frozenset({
    "ltx_bibliography", "ltx_authors", "ltx_dates", "ltx_keywords", "ltx_classification", "ltx_TOC", "ltx_page_navbar",
    "ltx_page_header", "ltx_page_footer", "ltx_page_logo", "ltx_rdf", "ltx_ERROR", "ltx_note_mark", "ltx_tag_note",
    "ltx_tag_equation", "ltx_tag_equationgroup", "ltx_tag_listingline", "ltx_listing_data",
    "ltx_pagination",
})  # fmt: skip
_NO_TEXT: Final = frozenset({"script", "style", "nav", "button", "svg", "img", "object"})
# Block elements. A display formula is not one of them: the sentence around it goes on.
_BLOCKS: Final = frozenset({
    "ltx_para", "ltx_item", "ltx_caption", "ltx_tr", "ltx_listingline", "ltx_theorem", "ltx_proof", "ltx_quote",
    "ltx_figure", "ltx_table", "ltx_float", "ltx_acknowledgements", "ltx_listing", "ltx_bibblock", "ltx_abstract",
    "ltx_tabular",
})  # fmt: skip
_CELLS: Final = frozenset({"ltx_td", "ltx_th"})
_ENDS: Final = (".", "?", "!", ":")
# TeX that only concerns layout: commented line ends, alignment marks, sizes and styles.
_LAYOUT: Final = re.compile(
    r"(?<!\\)(?:%\n|&)|\\(?:[bB]igg?[lrm]?|(?:no)?limits|(?:display|text|script)style|nonumber)(?![A-Za-z])"
)
_FRACTION: Final = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_PLAIN_FRACTION: Final = r"\\frac"  # as a replacement for `re`
_SCRIPT: Final = re.compile(r"([_^])\{([^{}]*)\}")
_DEEPEST: Final = 4  # levels of indices and exponents within each other
_BEFORE_STOP: Final = re.compile(r"\s+([.,;:])(?=\s|\Z)")  # the space that a display formula leaves before a stop


@dataclass(slots=True)
class _Part:
    """The lines under a heading, with footnotes kept apart."""

    heading: str
    blocks: list[list[str]] = field(default_factory=lambda: [[]])
    notes: list[list[str]] = field(default_factory=list)

    def text(self) -> str:
        lines = (_tidy("".join(block)) for block in (*self.blocks, *self.notes))
        return "\n\n".join(line for line in lines if any(map(str.isalnum, line)))


class _Reader:
    """Walks a document once, in order, and collects its parts.

    Attributes:
        parts: the text under each heading; the first part has no heading.
        abstract: the abstract; may be empty.
        title: the title; may be empty.
    """

    def __init__(self) -> None:
        self.parts = [_Part("")]
        self.abstract = _Part("")
        self.title = ""
        self._into = self.parts[0]
        self._notes: list[list[str]] = []

    def walk(self, element: Any) -> None:  # noqa: ANN401  # lxml has no types
        """Read an element, without its tail."""
        names = _classes(element)
        if element.tag in _NO_TEXT or names & _LEFT_OUT or ("ltx_tag_item" in names and not _has_letters(element)):
            return
        if element.tag == "math":
            self._say(_formula(element))
        elif "ltx_title" in names and (names & _OWN_TITLES):
            self._entitle(element, names)
        elif "ltx_abstract" in names:
            self._into, before = self.abstract, self._into
            self.walk_children(element)
            self._into = before
        elif "ltx_note_content" in names:
            note: list[str] = []
            self._into.notes.append(note)
            self._notes.append(note)
            self.walk_children(element)
            self._notes.pop()
        elif "ltx_title" in names:  # of a paragraph, a theorem, the abstract
            self._break()
            if "ltx_title_abstract" not in names:
                self.walk_children(element)
                self._say(" " if _text(element).rstrip().endswith(_ENDS) else ". ")
        elif names & _BLOCKS and not self._notes:
            self._break()
            self.walk_children(element)
            self._break()
        else:
            self.walk_children(element)
            if names & _CELLS and "ltx_eqn_cell" not in names:
                self._say(" | ")

    def _entitle(self, element: Any, names: frozenset[str]) -> None:  # noqa: ANN401
        text = _tidy(_text(element))
        if "ltx_title_document" in names:
            self.title = self.title or text
            return
        self._into = _Part(text)
        self.parts.append(self._into)

    def walk_children(self, element: Any) -> None:  # noqa: ANN401
        """Read an element's text and its children."""
        self._say(element.text)
        for child in element:
            if isinstance(child.tag, str):
                if child.tag == "br" or "ltx_p" in _classes(child):
                    self._say(" ")
                self.walk(child)
                if "ltx_eqn_table" in _classes(child) or "ltx_equation" in _classes(child):
                    self._say(" ")
            self._say(child.tail)

    def _say(self, text: str | None) -> None:
        if text:
            (self._notes[-1] if self._notes else self._into.blocks[-1]).append(text)

    def _break(self) -> None:
        if not self._notes and self._into.blocks[-1]:
            self._into.blocks.append([])


def read_latexml(data: bytes) -> Article | None:
    """Parse a LaTeXML page; None if it is not one. The article has no page numbers."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    document = next(_documents(root), None) if root is not None else None
    if document is None:
        return None
    reader = _Reader()
    reader.walk(document)
    sections = tuple(Section(part.heading, text, ()) for part in reader.parts if (text := part.text()))
    return Article(reader.title, reader.abstract.text(), "", FullText(0, sections))


def _documents(root: Any) -> Iterator[Any]:  # noqa: ANN401
    return (element for element in root.iter("article", "div") if "ltx_document" in _classes(element))


def _has_letters(element: Any) -> bool:  # noqa: ANN401
    """Whether the label of a list item is a word, as in a description list, and not a bullet or number."""
    return any(map(str.isalpha, "".join(element.itertext())))


def _classes(element: Any) -> frozenset[str]:  # noqa: ANN401
    return frozenset((element.get("class") or "").split())


def _text(element: Any) -> str:  # noqa: ANN401
    reader = _Reader()
    reader.walk_children(element)
    return "".join("".join(block) for block in reader.parts[0].blocks)


def _formula(element: Any) -> str:  # noqa: ANN401
    """A formula as plain text, as in abstracts; made from its TeX if the page has that."""
    tex = element.get("alttext") or "".join(element.xpath(".//*[local-name()='annotation'][1]//text()"))
    if not tex.strip():
        return "".join(element.itertext())
    text = clean(f"${_FRACTION.sub(_PLAIN_FRACTION, _LAYOUT.sub('', tex)).replace('$', '').strip()}$")
    for _ in range(_DEEPEST):
        text = _SCRIPT.sub(r"\1\2", text)
    return text.replace("{}", "")


def _tidy(text: str) -> str:
    return _BEFORE_STOP.sub(r"\1", " ".join(text.translate(NOT_TEXT).split())).strip(" |")
