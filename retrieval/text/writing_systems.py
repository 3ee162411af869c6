"""Tokenisation by script: stemming for some scripts, character n-grams for scripts without spaces between words.

The script is recognised by its letters, so no language has to be guessed. Without spaces, overlapping n-grams stand for
words, as in Lucene's CJK analyzer.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

import tantivy

if TYPE_CHECKING:
    from collections.abc import Iterator

# Raise it whenever these functions return something else: libraries then rebuild their lexical index.
VERSION: Final = 1

# Han, Hiragana, Katakana and Hangul: two characters say about as much as a word, and Korean appends its particles.
_SYLLABLES: Final = (
    "\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
# Thai, Lao, Myanmar and Khmer: letters, and the vowel signs that tantivy treats as letters.
_LETTERS: Final = "\u0e01-\u0e3a\u0e40-\u0e46\u0e4d\u0e81-\u0ebc\u0ec0-\u0ec6\u0edc-\u0edf\u1000-\u102a\u1780-\u17b3"
_SIZES: Final = (("pair", _SYLLABLES, 2), ("triple", _LETTERS, 3))
_STEMMED: Final = (
    ("arabic", "\u0621-\u064a\u066e-\u06d3"),
    ("greek", "\u0370-\u03ff"),
    ("russian", "\u0400-\u04ff"),
)
# Dropped: short vowels, the tatweel, tone marks, and signs below other letters.
_MARKS: Final = re.compile("[\u0640\u064b-\u065f\u0670\u0e47-\u0e4c\u0e4e\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3]")
# Letters that are used interchangeably.
_ALIKE: Final = str.maketrans("أإآٱىة", "اااايه")
_OTHER: Final = re.compile(
    "|".join(
        [rf"(?P<{name}>[{letters}]+)" for name, letters, _ in _SIZES]
        + [rf"(?P<{language}>[{letters}]{{2,}})" for language, letters in _STEMMED]
    )
)
_RUNS: Final = re.compile(f"[{_SYLLABLES}]+|[{_LETTERS}]+")
_WORD: Final = re.compile(rf"{_RUNS.pattern}|[^\W{_SYLLABLES}{_LETTERS}]+")
_LATIN: Final = re.compile(r"[a-z]{2}")
_LETTERS_A_WORD: Final = {"pair": 2, "triple": 5}


def words(text: str) -> list[str]:
    """Split a folded text into words; a run without spaces between words stays whole."""
    return _WORD.findall(_bare(text))


def written(text: str) -> str:
    """A folded text as it is indexed: terms separated by spaces."""
    return _OTHER.sub(lambda match: f" {' '.join(_terms(match, asked=False))} ", _bare(text))


def asked(text: str) -> str:
    """A folded query as it is looked up: only the longest n-grams of a run, which say most."""
    return _OTHER.sub(lambda match: f" {' '.join(_terms(match, asked=True))} ", _bare(text))


def spaced(text: str) -> str:
    """A folded text without the scripts that have no spaces between words."""
    return _RUNS.sub(" ", _bare(text))


def latin_share(text: str) -> float:
    """The share (0..1) of a folded text's words that are in Latin letters; 1 if it has no words."""
    found = {"latin": len([word for word in words(text) if _LATIN.match(word)]), "other": 0.0}
    for match in _OTHER.finditer(_bare(text)):
        found["other"] += len(match[0]) / _LETTERS_A_WORD.get(match.lastgroup or "", len(match[0]))
    total = sum(found.values())
    return found["latin"] / total if total else 1.0


def _bare(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _MARKS.sub("", text)).translate(_ALIKE)


def _terms(match: re.Match[str], *, asked: bool) -> Iterator[str]:
    run = match[0]
    size = next((size for name, _, size in _SIZES if name == match.lastgroup), None)
    if size is None:
        yield from _stemmer(match.lastgroup or "").analyze(run)
        return
    for length in (min(size, len(run)),) if asked else (size - 1, size):
        yield from (run[start : start + length] for start in range(len(run) - length + 1))


@cache
def _stemmer(language: str) -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.stemmer(language)).build()
