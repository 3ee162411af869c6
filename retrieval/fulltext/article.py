"""Article, FullText and Section: the text of a PDF or HTML page, kept exactly as extracted so that it can be quoted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from retrieval.papers import page_at


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a full text.

    Attributes:
        heading: as printed, with its number; may be empty.
        text: the paragraphs, separated by line breaks.
        breaks: where each page starts, as (offset in the text, page number from 1), in ascending order; the first
            offset is 0. Empty for HTML.
    """

    heading: str
    text: str
    breaks: tuple[tuple[int, int], ...]

    def breaks_of(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """The page that a part of the text starts on, at offset 0, and the page breaks inside the part.

        Offsets count from the start of the part. Empty if the text has no pages.
        """
        later = ((offset - start, page) for offset, page in self.breaks if start < offset < end)
        first = page_at(self.breaks, start)
        return ((0, first), *later) if first is not None else ()


@dataclass(frozen=True, slots=True)
class FullText:
    """The sections of a paper, without its abstract, and its number of pages (0 for HTML)."""

    pages: int
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """What was extracted from a PDF or an HTML page of a paper; parts that were not found are empty."""

    title: str
    abstract: str
    arxiv_id: str
    full_text: FullText

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON-serialisable values."""
        return asdict(self)

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Article:
        """Parse the result of `to_json`; raises KeyError, TypeError or ValueError for anything else."""
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
