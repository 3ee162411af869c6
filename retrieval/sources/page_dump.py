"""Read the text of a Hugging Face Papers page: titles and abstracts in turn, amid what belongs to the page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from retrieval.errors import BadInputError
from retrieval.papers import Paper, identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of 25,800 titles of arXiv and Hugging Face none is longer than 226 characters, ends like a sentence or holds an
# address; of their abstracts none is shorter than 102.
LONGEST_TITLE = 300
SHORTEST_ABSTRACT = 80
LONGEST_ABSTRACT = 20_000

_HELP = "a page dump is a title, a blank line, its abstract, a blank line, the next title and so on"
_SHOWN = 60
_BEYOND_TITLES = re.compile(r"https?://|[.,:;。][\"'”’)\]]*\Z")
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_CHROME = re.compile(
    rf"""
    new | get\ trending\ papers\ in\ your\ email\ inbox! | subscribe | by\s*ak\ and\ the\ research\ community
    | (?:daily|trending|weekly|monthly)(?:\ papers)? | papers | hugging\ face | previous | next | load\ more | view\ all
    | log\ in | sign\ up | system\ theme | company | tos | privacy | about | careers | website | models | datasets
    | spaces | community | docs | pricing | enterprise | (?:©|\(c\))?\ ?(?:\d{{4}}\ )?hugging\ face(?:\ \d{{4}})?
    | upvote | submitted\ by(?:\ \S+)? | published\ on\ .{{1,30}} | ·?\s*\d+\ authors? | [\d.,]+k? | [·•|–—\-]+
    | (?:[a-z]{{3,9}},?\ )?(?:{_MONTH}\ \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}\ {_MONTH})(?:,?\ \d{{4}})? | \d{{4}}-\d\d-\d\d
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Paragraph:
    line: int
    text: str

    @property
    def may_be_title(self) -> bool:
        return len(self.text) <= LONGEST_TITLE and not _BEYOND_TITLES.search(self.text)

    @property
    def is_chrome(self) -> bool:
        return all(_CHROME.fullmatch(line.strip()) for line in self.text.split("\n"))


def read_page_dump(path: Path, *, source: str = "page") -> tuple[Paper, ...]:
    """Return the papers of a dump, texts verbatim but for CRLF; several paragraphs of an abstract keep a blank line.

    The whole file is read before anything is returned. Raises BadInputError that names the place.
    """
    papers: list[Paper] = []
    title: _Paragraph | None = None
    abstract: list[_Paragraph] = []
    for paragraph in _paragraphs(_read_text(path), path.name):
        if title and not (abstract and paragraph.may_be_title):
            abstract.append(paragraph)
        elif paragraph.may_be_title:
            if title:
                papers.append(_paper(title, abstract, path.name, source))
            title, abstract = paragraph, []
        else:
            raise BadInputError(
                f"{path.name}, line {paragraph.line}: a text without a title before it, {_start(paragraph)}; {_HELP}."
            )
    if title is None:
        raise BadInputError(f"{path.name} holds no papers: {_HELP}.")
    papers.append(_paper(title, abstract, path.name, source))
    return tuple(papers)
