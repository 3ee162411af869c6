"""Parse JSON as models write it: fenced, in prose, truncated, with smart quotes, trailing commas or inside a string."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import json_repair

if TYPE_CHECKING:
    from collections.abc import Iterator

# Longer than any reply that we read, and short enough to repair quickly.
_LONGEST: Final = 50_000
_DEEPEST: Final = 60
_CLOSERS: Final = {'"': '"', "“": "”", "'": "'"}
_STRAIGHT: Final = str.maketrans("“”", '""')
_BRACKETS: Final = {"{": "}", "[": "]"}


def loads(text: str) -> object:
    """Parse the JSON in a text, repaired if necessary; None if there is none. Never raises."""
    if len(text) > _LONGEST:
        return None
    found = _plain(text)
    if found is None and "“" in text:
        # Typographic quotes. Inside plain quotes they would be part of the text, but this one does not parse.
        found = _plain(text.translate(_STRAIGHT))
    if found is None and _depth(text) <= _DEEPEST:
        found = _mended(text)
    # Models asked for JSON through a JSON API sometimes encode it twice.
    if isinstance(found, str):
        return loads(found) if found.strip() != text.strip() and found.strip()[:1] in _BRACKETS else None
    return found


def _plain(text: str) -> object:
    try:
        # Not strict, as models forget to escape line breaks.
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _mended(text: str) -> object:
    start = min((position for position in map(text.find, _BRACKETS) if position >= 0), default=-1)
    if start < 0:
        return None
    try:
        found: object = json_repair.loads(text[start:], skip_json_loads=True)
    except (ValueError, RecursionError, IndexError):
        return None
    return found if isinstance(found, (dict, list)) else None


def _depth(text: str) -> int:
    """Count how deep the brackets of a text nest at most."""
    depth = deepest = 0
    for character in text:
        if character in _BRACKETS:
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


@dataclass(frozen=True, slots=True)
class Span:
    """A complete object or list: its position, its nesting depth (0 at the top) and the start of its root."""

    start: int
    end: int
    depth: int
    root: int


class Scanner:
    """Find the objects and lists in a growing text; brackets in strings and in the prose around do not count."""

    def __init__(self) -> None:
        self.text = ""
        self._open: list[int] = []
        self._closer = ""
        self._escaped = False

    def feed(self, piece: str) -> Iterator[Span]:
        """Yield the spans that `piece` completes, inner ones first."""
        position = len(self.text)
        self.text += piece
        for offset, character in enumerate(piece):
            if self._in_string(character):
                continue
            if character in _BRACKETS:
                self._open.append(position + offset)
            elif character in "}]" and (span := self._close(character, position + offset + 1)):
                yield span

    def _in_string(self, character: str) -> bool:
        """Check whether a character belongs to a string; quotes do."""
        if self._closer:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == self._closer:
                self._closer = ""
            return True
        # An apostrophe in the surrounding prose opens no string.
        if self._open and character in _CLOSERS:
            self._closer = _CLOSERS[character]
            return True
        return False

    def _close(self, character: str, end: int) -> Span | None:
        """Close the innermost bracket of this kind, together with unclosed ones inside it."""
        for depth in reversed(range(len(self._open))):
            start = self._open[depth]
            if _BRACKETS[self.text[start]] == character:
                root = self._open[0]
                del self._open[depth:]
                return Span(start, end, depth, root)
        return None
