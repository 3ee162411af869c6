"""Article, FullText and Section: what is read of a PDF or of HTML, verbatim as extracted, so that it can be quoted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from retrieval.papers import page_at


@dataclass(frozen=True, slots=True)
class Section:
    """Hold a section under its heading, which may be empty, and where in its text each page begins.

    Attributes:
        heading: as printed, with its number.
        text: paragraphs, each in lines of its own.
        breaks: (offset in the text, page counted from 1), rising; the first offset is 0. HTML has no pages.
    """

    heading: str
    text: str
    breaks: tuple[tuple[int, int], ...]

    def breaks_of(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return where each page begins in a part of the text, counted from the part's start."""
        later = ((offset - start, page) for offset, page in self.breaks if start < offset < end)
        first = page_at(self.breaks, start)
        return ((0, first), *later) if first is not None else ()


@dataclass(frozen=True, slots=True)
class FullText:
    """Hold the sections of a paper beside its abstract, and how many pages it has, 0 for HTML."""

    pages: int
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """Hold what a PDF or a page of HTML says of the paper in it; what it does not say is empty."""

    title: str
    abstract: str
    arxiv_id: str
    full_text: FullText

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Article:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError for anything else."""
        whole = found["full_text"]
        sections = tuple(
            Section(
                str(section["heading"]),
                str(section["text"]),
                tuple((int(offset), int(page)) for offset, page in section["breaks"]),
            )
            for section in whole["sections"]
        )
        title, abstract, arxiv_id = (str(found[name]) for name in ("title", "abstract", "arxiv_id"))
        return cls(title, abstract, arxiv_id, FullText(int(whole["pages"]), sections))
