"""Builds an article from printed lines: tells title, abstract and sections by layout, and rejoins hyphenated words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from retrieval.fulltext.article import Article, FullText, Section
from retrieval.text.text import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.fulltext.lines import Line

LONGEST_HEADING: Final = 110  # characters
LONGEST_ABSTRACT: Final = 5000  # characters; if it is longer, its end was missed
LEAD_CHARACTERS: Final = 1500  # characters from the start of the text that serve as a missing abstract
LARGER: Final = 1.07  # lines at least this much larger than the body font may be headings
SMALLER: Final = 0.93  # lines smaller than this share of the body font are notes or in tables
LEADING: Final = 1.45  # a gap of this many usual line distances starts a paragraph
INDENTED: Final = (0.7, 4.0)  # range of a paragraph's indent, in font sizes

# The form of headings, whatever they say.
_NUMBERED: Final = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[A-H](?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.)\s+[^\W\d_]")
_ABSTRACT: Final = re.compile(
    r"(?:abstract|summary|zusammenfassung|kurzfassung|r[ée]sum[ée])\s*(?P<rest>[.:—–-]+\s*\S.*)?[.:]?", re.IGNORECASE
)
_REFERENCES: Final = re.compile(
    r"(?:[\dIVX]+\.?\s+)?"
    r"(?:references|bibliography|works cited|literatur(?:verzeichnis)?|r[ée]f[ée]rences|bibliographie)[.:]?",
    re.IGNORECASE,
)
_FLOAT: Final = re.compile(r"(?:Fig(?:ure|\.)|Tab(?:le|\.)|Algorithm)\s*\d+\s*[.:]")
_HYPHENATED: Final = re.compile(r"(?P<head>(?:[^\W\d_]+[-‐])*(?P<last>[^\W\d_]+))[-‐]\Z")
_GOES_ON: Final = re.compile(r"[a-zß-öø-ÿ]+")
_ENDS: Final = tuple('.?!:;…"”)')


@dataclass(slots=True)
class _Part:
    """The lines under a heading; notes and tables are kept apart from the running text."""

    heading: str
    is_abstract: bool = False
    is_references: bool = False
    body: list[tuple[Line, bool]] = field(default_factory=list)  # (line, whether it starts a paragraph)
    notes: list[tuple[Line, bool]] = field(default_factory=list)


def make_article(lines: Sequence[Line], pages: int, arxiv_id: str = "", metadata_title: str = "") -> Article:
    """Build the article from its lines; `metadata_title`, the one in the file's metadata, is used if none is found."""
    size = _body_size(lines)
    title, rest = _title(lines, size)
    words = Counter(word for line in lines for word in re.findall(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*", line.text.lower()))
    parts = _parts(rest, size)
    has_abstract = any(part.is_abstract for part in parts)
    sections: list[Section] = []
    abstract = ""
    for index, part in enumerate(parts):
        if part.is_references or (index == 0 and has_abstract and not part.is_abstract):
            continue  # authors and affiliations, before the abstract
        section = _section(part, words)
        if not section.text:
            continue
        if part.is_abstract and not abstract:
            abstract, section = _split_off(section, LONGEST_ABSTRACT)
            if not section.text:
                continue
        sections.append(section)
    if not abstract and sections:
        abstract, rest_of_it = _split_off(sections[0], LEAD_CHARACTERS)
        sections[:1] = [rest_of_it] if rest_of_it.text else []
    return Article(title or metadata_title, abstract.replace("\n", " "), arxiv_id, FullText(pages, tuple(sections)))


def _body_size(lines: Iterable[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _title(lines: Sequence[Line], size: float) -> tuple[str, Sequence[Line]]:
    """The title, and the lines after it; the title is the first run of lines in the first page's largest font."""
    first = [line for line in lines if line.page == 1 and any(map(str.isalpha, line.text))]
    largest = max((line.size for line in first), default=0.0)
    if largest < LARGER * size:
        return "", lines
    start = next(index for index, line in enumerate(lines) if line.page == 1 and line.size == largest)
    end = start + 1
    while end < len(lines) and lines[end].page == 1 and lines[end].size == largest:
        end += 1
    return _joined([line.text for line in lines[start:end]]), lines[end:]


def _joined(texts: Sequence[str]) -> str:
    whole = ""
    for text in texts:
        whole = whole[:-1] + text if whole.endswith("-") and text[:1].islower() else f"{whole} {text}"
    return whole.strip()


def _parts(lines: Sequence[Line], size: float) -> list[_Part]:
    parts = [_Part("")]
    usual = _leading(lines, size)
    before: Line | None = None
    column = 0.0
    heading: Line | None = None
    for line in lines:
        abstract = _ABSTRACT.fullmatch(line.text)
        is_heading = _is_heading(line, size) or bool(abstract and not abstract["rest"])
        if is_heading and heading is not None and _goes_on(heading, line):
            parts[-1].heading = _joined([parts[-1].heading, line.text])
            heading = line
            continue
        if is_heading or (abstract and not any(part.is_abstract for part in parts)):
            is_abstract = bool(abstract) and not any(part.is_abstract for part in parts)
            rest = abstract["rest"] if abstract and is_abstract else None
            name = line.text[: abstract.start("rest")].strip() if abstract and rest else line.text
            parts.append(_Part(name.rstrip(".:"), is_abstract, bool(_REFERENCES.fullmatch(line.text))))
            heading, before = line, None
            if not rest:
                continue
            text = rest.lstrip(".:—–- ")
            line = type(line)(line.page, line.x, line.y, line.size, line.bold, text)  # noqa: PLW2901
        heading = None
        small = line.size < SMALLER * size and not parts[-1].is_abstract
        floats = small or bool(_FLOAT.match(line.text))
        if floats:
            parts[-1].notes.append((line, _FLOAT.match(line.text) is not None or not parts[-1].notes))
            continue
        column, begins = _begins(line, before, column, usual)
        parts[-1].body.append((line, begins))
        before = line
    return parts


def _is_heading(line: Line, size: float) -> bool:
    text = line.text
    if len(text) > LONGEST_HEADING or not any(map(str.isalpha, text)) or text.endswith((",", ";", "-")):
        return False
    larger = line.size >= LARGER * size
    if not (larger or line.bold) or line.size < SMALLER * size:
        return bool(_REFERENCES.fullmatch(text)) or (
            text.isupper() and bool(_NUMBERED.match(text)) and len(text.split()) > 1
        )
    letters = sum(map(str.isalpha, text))
    return letters >= 3 and letters >= 0.5 * len(text.replace(" ", "")) and not (text.endswith(".") and not larger)  # noqa: PLR2004


def _goes_on(heading: Line, line: Line) -> bool:
    """Whether a heading continues on the next line: right below, in the same font, and without a number."""
    near = 0 < heading.y - line.y < 2 * heading.size
    alike = heading.page == line.page and heading.size == line.size and heading.bold == line.bold
    return near and alike and not _NUMBERED.match(line.text) and not _ABSTRACT.fullmatch(heading.text)


def _leading(lines: Sequence[Line], size: float) -> float:
    """The most common distance between lines of the running text."""
    steps: Counter[float] = Counter()
    for one, other in pairwise(lines):
        step = one.y - other.y
        if one.page == other.page and one.size == other.size == size and 0 < step < 3 * size:
            steps[round(step, 1)] += 1
    return steps.most_common(1)[0][0] if steps else 1.2 * size


def _begins(line: Line, before: Line | None, column: float, usual: float) -> tuple[float, bool]:
    """The left edge of the line's column, and whether the line starts a paragraph."""
    if before is None:
        return line.x, True
    step = before.y - line.y
    if before.page != line.page or step < 0:  # the next column or page
        return line.x, False
    if step > LEADING * usual:
        return line.x, True
    indent = (line.x - column) / max(line.size, 1.0)
    if INDENTED[0] < indent < INDENTED[1]:
        return column, before.text.endswith(_ENDS)
    return min(column, line.x) if indent < 0 else column, False


def _section(part: _Part, words: Counter[str]) -> Section:
    """Join the lines of a part; notes and tables come after the running text."""
    text = ""
    breaks: list[tuple[int, int]] = []
    for lines in (part.body, part.notes):
        for number, (line, begins) in enumerate(lines):
            fresh = number == 0 or (begins and (text.endswith(_ENDS) or not line.text[:1].islower()))
            text, stored = _append(text, line.text, words, fresh=fresh)
            if not breaks or breaks[-1][1] != line.page:
                breaks.append((stored, line.page))
    return Section(part.heading, text, tuple(breaks))


def _append(text: str, line: str, words: Counter[str], *, fresh: bool) -> tuple[str, int]:
    """Append a line, rejoining a hyphenated word; return the text, and the offset at which the line begins."""
    if not text:
        return line, 0
    cut, rest = _HYPHENATED.search(text), _GOES_ON.match(line)
    if cut and rest and not fresh:
        head, last, tail = cut["head"].lower(), cut["last"].lower(), rest[0]
        # Keep the hyphen if the paper writes the word with it elsewhere, or if it is part of a chain of words.
        hyphen = words[f"{head}-{tail}"] > words[f"{head}{tail}"] or (head != last and not words[f"{last}{tail}"])
        text = text if hyphen else text[:-1]
        return text + line, len(text)
    text += "\n" if fresh else " "
    return text + line, len(text)


def _split_off(section: Section, most: int) -> tuple[str, Section]:
    """Split off the first sentences of a section, up to `most` characters; the rest gets no heading."""
    if len(section.text) <= most:
        return section.text, Section(section.heading, "", ())
    ends = [end for _, end in sentences(section.text) if end <= most]
    end = ends[-1] if ends else most
    rest = section.text[end:]
    start = end + len(rest) - len(rest.lstrip())
    return section.text[:end], Section("", section.text[start:], section.breaks_of(start, len(section.text)))
