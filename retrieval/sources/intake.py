"""Read a file of whatever format into papers: what is good is taken, what is not is listed with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from statistics import median
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.sources.encodings import SAMPLE
from retrieval.sources.formats import READABLE, format_of
from retrieval.sources.page_dump import read_page_text
from retrieval.sources.record import make, unread
from retrieval.sources.rows import Bad, LeftOut, Ready, Remark
from retrieval.sources.unpacking import contents, readable, whole

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched
    from retrieval.sources.rows import Format, Found
    from retrieval.sources.unpacking import Content

# What a README and a chapter of notes have, and no title on a page of papers.
_MARKDOWN: Final = re.compile(r"(?:#{1,6} |```|[-*+|>] |\||!?\[|\d+\. )")
_USUAL_ABSTRACT: Final = 200
_MOST_REMARKS: Final = 10


@dataclass
class Intake:
    """Gather the papers of files, what had to be left out, and what people should know."""

    papers: list[Paper | Fetched] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    remarks: list[str] = field(default_factory=list)

    def read(self, path: Path) -> None:
        """Take in a file, or each file of a zip; raises BadInputError where there is no paper in it."""
        before, bad = len(self.papers), self.left_out.count
        with readable(path):
            for content in contents(path):
                where = (
                    path if content.name in {path.name, path.name.removesuffix(".gz")} else path.parent / content.name
                )
                self._read(content, str(where))
        if len(self.papers) == before:
            reason = next(iter(self.left_out.first[bad:]), "")
            raise BadInputError(reason or f"{path} holds no papers; what can be read: {READABLE}.")

    def _read(self, content: Content, where: str) -> None:
        try:
            start = content.stream.peek(SAMPLE)[:SAMPLE]  # type: ignore[attr-defined]  # every opened file has it
            kind = format_of(content.name, start)
            if kind is None:
                self.papers += _page(content, where)
                return
            self._take_all(kind, content, where)
        except BadInputError as error:
            self.left_out.add(str(error) if where in str(error) else f"{where}: {error}; what can be read: {READABLE}.")

    def _take_all(self, kind: Format, content: Content, where: str) -> None:
        for found in kind.read(content.stream):
            try:
                self._take(kind, found, where)
            except BadInputError as error:
                place = getattr(found, "place", "")
                self.left_out.add(f"{where}, {place}: {error}.")

    def _take(self, kind: Format, found: Found, where: str) -> None:
        if isinstance(found, Ready):
            self.papers.append(found.paper)
        elif isinstance(found, Bad):
            self.left_out.add(f"{where}, {found.place}: {found.reason}.")
        elif isinstance(found, Remark):
            self._remark(f"{where}: {found.text}.")
        else:
            made = make(found.fields, kind.source)
            self.papers.append(made.paper)
            for note in made.notes:
                self._remark(f"{where}, {found.place}: {note}; the rest is taken.")
            if not made.paper.paper.abstract and (names := unread(found.fields)):
                self._remark(f"{where}: {', '.join(names)} is not read; a text is called abstract, summary or text.")

    def _remark(self, sentence: str) -> None:
        if len(self.remarks) < _MOST_REMARKS and sentence not in self.remarks:
            self.remarks.append(sentence)


def _page(content: Content, where: str) -> tuple[Paper, ...]:
    """Return the papers of a page dump, if it looks like one."""
    if PurePath(content.name).suffix.lower() != ".txt":
        raise BadInputError("it is no kind of file that is known to hold papers")
    papers = read_page_text(whole(content.stream), where)
    written = sum(bool(_MARKDOWN.match(part)) for paper in papers for part in (paper.title, paper.abstract))
    if written or median(len(paper.abstract) for paper in papers) < _USUAL_ABSTRACT:
        raise BadInputError("it does not look like a page of papers, which has titles and abstracts in turn")
    return papers
