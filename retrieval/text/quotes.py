"""Quotes: locates a quote in a paper's verbatim text, tolerating differences of spelling and punctuation."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from retrieval.text.text import Folded, fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

Span: TypeAlias = tuple[int, int]

# A longer "quote", of more than three long sentences, no longer points at anything.
MAX_QUOTE_CHARACTERS: Final = 1000
_MIN_WORDS: Final = 3
_MIN_CHARACTERS: Final = 12
_STEM: Final = 5

# Scripts without spaces between words are compared character by character.
_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\d+(?:[.,]\d+)*|[^\W\d_]+")
_ELLIPSIS: Final = re.compile(r"[\[(]?\s*(?:…|\.\s?\.\s?\.)[.\s]*[\])]?")
_QUOTATION_MARKS: Final = frozenset("\"'`´‘’“”„«»")
_PERCENT: Final = re.compile(r"\\?%")
_STOP_WORDS: Final = frozenset(
    """
    a about also an and any are as at be been being both but by can could did do does for from had has have how however
    if in into is it its may might more most no nor not of on one only or other our over paper should show shows so some
    such than that the their them then there these they this those through thus to under use used uses using very via
    was we were what when where whether which while who why will with within would you
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


@dataclass(frozen=True, slots=True)
class _Word:
    """A folded word and the verbatim characters that it came from."""

    folded: str
    start: int
    end: int


def locate(quote: str, text: str) -> Span | None:
    """Find the verbatim span of a quote in `text`; None if it is not there.

    Case, accents, dashes, whitespace, LaTeX and punctuation may differ, words may not. Only whole words match: "7
    percent" is not in "97 percent". An ellipsis in the quote skips words. Quotes that are too short to point at
    anything, or longer than MAX_QUOTE_CHARACTERS, are not found.
    """
    if len(quote) > 2 * MAX_QUOTE_CHARACTERS or not _telling(quote):
        return None
    words = _words(text)
    span = _find([_plain(quote)], words) or _find([_plain(part) for part in _ELLIPSIS.split(quote)], words)
    if span is None:
        return None
    start, end = _with_punctuation(span, quote, text)
    return (start, end) if end - start <= MAX_QUOTE_CHARACTERS else None


def surroundings(span: Span, text: str) -> str:
    """The sentences of `text` that overlap the span."""
    touched = [(start, end) for start, end in sentences(text) if start < span[1] and end > span[0]]
    return text[min(span[0], touched[0][0]) : max(span[1], touched[-1][1])] if touched else text[slice(*span)]


@functools.lru_cache(maxsize=512)
def content_words(text: str) -> frozenset[str]:
    """The folded words without stop words, cut to their first five letters as a crude stem."""
    return frozenset(word[:_STEM] for word in _plain(text) if word not in _STOP_WORDS)


def count_words(text: str) -> int:
    """Count words, as quotes are compared."""
    return len(_plain(text))


def _telling(quote: str) -> bool:
    words = _plain(quote)
    long_enough = len(words) >= _MIN_WORDS or len(" ".join(words)) >= _MIN_CHARACTERS
    return long_enough and any(word not in _STOP_WORDS and not word[0].isdigit() for word in words)


def _plain(text: str) -> list[str]:
    return [match[0].replace(",", "") for match in _WORD.finditer(fold(text))]


@functools.lru_cache(maxsize=64)
def _words(text: str) -> tuple[_Word, ...]:
    folded = Folded.of(text)
    return tuple(
        _Word(match[0].replace(",", ""), folded.starts[match.start()], folded.ends[match.end() - 1])
        for match in _WORD.finditer(folded.text)
    )


def _find(parts: Sequence[list[str]], words: Sequence[_Word]) -> Span | None:
    """The span from the first part to the last, if all occur in this order."""
    folded = [word.folded for word in words]
    starts: list[int] = []
    position = 0
    for part in parts:
        if not part:  # an ellipsis at either end
            continue
        starts_at = range(position, len(folded) - len(part) + 1)
        found = next((start for start in starts_at if folded[start : start + len(part)] == part), None)
        if found is None:
            return None
        starts.append(found)
        position = found + len(part)
    return (words[starts[0]].start, words[position - 1].end) if starts else None


def _with_punctuation(span: Span, quote: str, text: str) -> Span:
    """Extend a span to the punctuation that quote and text share at both ends."""
    start, end = span
    inner = [index for index, character in enumerate(quote) if character.isalnum()]
    head, tail = quote[: inner[0]], quote[inner[-1] + 1 :]
    if percent := _PERCENT.match(text, end):
        end = percent.end()
        tail = tail.lstrip("\\%")
    for character in reversed(head):
        if not _same_mark(character, text[start - 1 : start]):
            break
        start -= 1
    for character in tail:
        if not _same_mark(character, text[end : end + 1]):
            break
        end += 1
    return start, end


def _same_mark(one: str, other: str) -> bool:
    return not one.isspace() and (one == other or (one in _QUOTATION_MARKS and other in _QUOTATION_MARKS))
