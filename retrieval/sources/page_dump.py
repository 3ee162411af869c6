"""A Hugging Face Papers page saved as text: titles and abstracts in turn, amid page chrome."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.errors import BadInputError
from retrieval.papers import Paper, identify
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Of 25,800 titles from arXiv and Hugging Face, none is longer than 226 characters, ends like a sentence or contains an
# address; none of their abstracts is shorter than 102. arXiv accepts abstracts of about 2,000 characters, so a much
# longer one is two abstracts that have lost the title between them.
LONGEST_TITLE = 300
SHORTEST_ABSTRACT = 80
LONGEST_ABSTRACT = 2_500

_HELP = "a page dump is a title, a blank line, its abstract, a blank line, the next title and so on"
_SHOWN = 60
_BINARY = re.compile("[\x00-\x08\x0e-\x1a]")
# What str.strip() drops, and characters that only look blank.
_BLANK = " \t\v\f\xa0\u2028\u2029\u200b\ufeff"
_BEYOND_TITLES = re.compile(r"https?://|[.,:;。][\"'”’)\]]*\Z")
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_CHROME = re.compile(
    rf"""
    new | get\ trending\ papers\ in\ your\ email\ inbox! | subscribe | by\s*ak\ and\ the\ research\ community
    | (?:daily|trending|weekly|monthly)(?:\ papers)? | papers | hugging\ face | previous | next | load\ more | view\ all
    | log\ in | sign\ up | system\ theme | company | tos | privacy | about | careers | website | models | datasets
    | spaces | community | docs | pricing | enterprise | (?:©|\(c\))?\ ?(?:\d{{4}}\ )?hugging\ face(?:\ \d{{4}})?
    | upvote | submitted\ by(?:\ \S+)? | published\ on\ .{{1,30}} | ·?\s*\d+\ authors? | [\d.,]+k? | [·•|–—\-]{{1,3}}
    | (?:[a-z]{{3,9}},?\ )?(?:{_MONTH}\ \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}\ {_MONTH})(?:,?\ \d{{4}})?
    | \d{{4}}-\d\d-\d\d
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Paragraph:
    line: int
    text: str

    def may_be_title(self) -> bool:
        """Judge by length and ending: titles may contain colons, question marks and small letters."""
        named = re.search(r"[^\W\d_]", self.text)
        return bool(named) and len(self.text) <= LONGEST_TITLE and not _BEYOND_TITLES.search(self.text)

    def is_chrome(self) -> bool:
        return all(_CHROME.fullmatch(line.strip()) for line in self.text.split("\n"))

    def beginning(self) -> str:
        text = clean(self.text)
        return f'"{text[:_SHOWN].rstrip()}…"' if len(text) > _SHOWN else f'"{text}"'


def read_page_dump(path: Path, *, source: str = "page") -> tuple[Paper, ...]:
    """The papers of a dump, verbatim except for CRLF; a blank line separates an abstract's paragraphs.

    Nothing is returned unless the whole file can be read. Raises BadInputError, which names the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"Cannot read {path} as a page dump: {error.strerror or error}; {_HELP}.") from error
    return read_page_text(data, str(path), source=source)


def read_page_text(data: bytes, name: str, *, source: str = "page") -> tuple[Paper, ...]:
    """The papers in a dump's bytes, as in `read_page_dump`; errors call the dump `name`."""
    try:
        pairs = list(_pairs(_paragraphs(_text_in(data))))
        papers = tuple(_paper(title, abstract, source) for title, abstract in pairs)
    except BadInputError as error:
        raise BadInputError(f"Cannot read {name} as a page dump: {error}; {_HELP}.") from None
    if not papers:
        raise BadInputError(f"{name} holds no papers; {_HELP}.")
    return papers


def _pairs(paragraphs: Iterable[_Paragraph]) -> Iterator[tuple[_Paragraph, list[_Paragraph]]]:
    """Yield each title with the paragraphs of its abstract."""
    title: _Paragraph | None = None
    abstract: list[_Paragraph] = []
    for paragraph in paragraphs:
        if not paragraph.may_be_title():
            if not title:
                raise BadInputError(f"line {paragraph.line}: no title comes before {paragraph.beginning()}")
            abstract.append(paragraph)
            _check_length(title, abstract)
        else:
            if title:
                yield title, abstract
            title, abstract = paragraph, []
    if title:
        yield title, abstract


def _check_length(title: _Paragraph, abstract: list[_Paragraph]) -> None:
    if sum(len(paragraph.text) for paragraph in abstract) > LONGEST_ABSTRACT:
        raise BadInputError(
            f"line {abstract[-1].line}: the abstract of {title.beginning()} has more than {LONGEST_ABSTRACT} "
            f"characters, so a title seems to be missing before {abstract[-1].beginning()}"
        )


def _paper(title: _Paragraph, abstract: list[_Paragraph], source: str) -> Paper:
    if not abstract:
        raise BadInputError(f"line {title.line}: no abstract follows the title {title.beginning()}")
    text = "\n\n".join(paragraph.text for paragraph in abstract)
    if len(text) < SHORTEST_ABSTRACT:
        raise BadInputError(f"line {abstract[0].line}: {abstract[0].beginning()} is too short to be an abstract")
    name = " ".join(title.text.split())
    return Paper(identify(name), name, text, source)


def _paragraphs(text: str) -> Iterator[_Paragraph]:
    """Yield the paragraphs that are not page chrome."""
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip(_BLANK):
            lines.append(line)
        elif lines:
            paragraph = _Paragraph(number - len(lines), "\n".join(lines).strip())
            lines = []
            if not paragraph.is_chrome():
                yield paragraph


def _text_in(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"byte {error.start + 1}: it is not UTF-8 text") from error
    if match := _BINARY.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise BadInputError(f"line {line}: a control character, so it is no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
