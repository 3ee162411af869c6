"""Read files of any format into papers; what cannot be read is listed with its position."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from statistics import median
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.fulltext.extraction import PdfError
from retrieval.sources.archive import contents, readable, whole
from retrieval.sources.choice import Choice
from retrieval.sources.encodings import SAMPLE
from retrieval.sources.fields import one_line
from retrieval.sources.formats import READABLE, format_of
from retrieval.sources.page_dump import read_page_text
from retrieval.sources.record import make, unread
from retrieval.sources.rows import Bad, LeftOut, Ready, Remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from retrieval.papers import Paper
    from retrieval.sources.archive import Content
    from retrieval.sources.fetched import Fetched
    from retrieval.sources.rows import Format, Found

# How a line of a README or of notes may begin, but no title on a page of papers.
_MARKDOWN: Final = re.compile(r"(?:#{1,6} |```|[-*+|>] |\||!?\[|\d+\. )")
_USUAL_ABSTRACT: Final = 200
_MOST_REMARKS: Final = 10
_SHOWN: Final = 60  # characters of a title
_NAMES_READ: Final = "rename it to abstract, published, doi or arxiv_id"


@dataclass
class Intake:
    """Reads papers from files, and collects what was left out and remarks about the reading.

    Attributes:
        choice: which papers to take.
        as_page: read every file as a page dump, whatever it looks like.
        read: how many papers were read, including those passed over.
    """

    choice: Choice = field(default_factory=Choice)
    as_page: bool = False
    left_out: LeftOut = field(default_factory=LeftOut)
    remarks: list[str] = field(default_factory=list)
    read: int = 0

    def papers(self, path: Path) -> Iterator[Paper | Fetched]:
        """Yield the papers of a file, or of each file in a zip; raises BadInputError if there are none."""
        before, bad = self.read, self.left_out.count
        try:
            with readable(path):
                for content in contents(path):
                    own = content.name in {path.name, path.name.removesuffix(".gz")}
                    yield from self._of(content, str(path if own else path.parent / content.name))
        except BadInputError as error:
            if self.read == before:
                raise
            self.left_out.add(str(error))
        if self.read == before:
            reason = next(iter(self.left_out.first[bad:]), "")
            raise BadInputError(reason or f"{path} holds no papers; what can be read: {READABLE}.")

    def chosen(self, papers: Iterable[Paper | Fetched]) -> Iterator[Paper | Fetched]:
        """Yield the papers that `choice` takes, and count all of them."""
        for paper in papers:
            self.read += 1
            if self.choice.takes(paper):
                yield paper

    def sentences(self) -> Iterator[str]:
        """Remarks, the first of what was left out and how many more there are, and what was passed over."""
        yield from (*self.remarks, *self.left_out.first)
        if more := self.left_out.count - len(self.left_out.first):
            yield f"{more:,} more could not be read."
        yield from self.choice.sentences()

    def _of(self, content: Content, where: str) -> Iterator[Paper | Fetched]:
        try:
            start = content.stream.peek(SAMPLE)[:SAMPLE]
            kind = None if self.as_page else format_of(content.name, start)
            if kind is not None:
                yield from self.chosen(self._all(kind, content, where))
            elif self.as_page:
                yield from self.chosen(read_page_text(whole(content.stream), where))
            else:
                yield from self.chosen(_page(content, where))
        except PdfError as error:
            self.left_out.add(f"{where}: {error}.")
        except BadInputError as error:
            self.left_out.add(str(error) if where in str(error) else f"{where}: {error}; what can be read: {READABLE}.")

    def _all(self, kind: Format, content: Content, where: str) -> Iterator[Fetched]:
        for found in kind.read(content.stream):
            try:
                if (paper := self._take(kind, found, where)) is not None:
                    yield paper
            except BadInputError as error:
                position = getattr(found, "position", "")
                self.left_out.add(f"{where}, {position}: {error}.")

    def _take(self, kind: Format, found: Found, where: str) -> Fetched | None:
        if isinstance(found, Ready):
            return found.paper
        if isinstance(found, Bad):
            self.left_out.add(f"{where}, {found.position}: {found.reason}.")
            return None
        if isinstance(found, Remark):
            self._remark(f"{where}: {found.text}.")
            return None
        if self.choice.passes_over(found.fields):
            self.read += 1
            return None
        made = make(found.fields, kind.source)
        for note in made.notes:
            self._remark(f"{where}, {found.position}: {note}; the rest is taken.")
        for name in unread(found.fields, made.paper):
            self._remark(f'{where}: "{name[:40]}" is not read, though papers lack what it looks like; {_NAMES_READ}.')
        return made.paper

    def _remark(self, sentence: str) -> None:
        if len(self.remarks) < _MOST_REMARKS and sentence not in self.remarks:
            self.remarks.append(sentence)


def _page(content: Content, where: str) -> tuple[Paper, ...]:
    """The papers of a page dump; raises BadInputError if it does not look like one."""
    if PurePath(content.name).suffix.lower() != ".txt":
        raise BadInputError("it is no kind of file that is known to hold papers")
    papers = read_page_text(whole(content.stream), where)
    written = sum(bool(_MARKDOWN.match(part)) for paper in papers for part in (paper.title, paper.abstract))
    if written or median(len(paper.abstract) for paper in papers) < _USUAL_ABSTRACT:
        first = one_line(papers[0].title)[:_SHOWN]
        count = f"{len(papers)} papers" if len(papers) > 1 else "one paper"
        raise BadInputError(
            "it does not look like a page of papers, which has titles and abstracts in turn; --as page would read "
            f'{count} in it, the first "{first}"'
        )
    return papers
