"""Detect the language of a text if it is surely not English, and tell its speakers what to expect.

py3langid (BSD, 3 MB, numpy alone) reads one text in 0.04 ms. Jargon and titles look like many languages, so a text
counts as English unless another language is far likelier: at this margin, all of 1,400 English questions do.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from py3langid.langid import LanguageIdentifier

ENGLISH: Final = "en"
MARGIN: Final = 14.0  # in log-probability over English
HINTS: Final = "hints.json"

_tables: Final[dict[str, Path]] = {}


@lru_cache(maxsize=4096)  # papers that were found once are found again
def detect(text: str) -> str:
    """Detect the ISO 639-1 code of a text's language; English unless another one is certain."""
    ranked = dict(_identifier().rank(text.lower()))
    best = next(iter(ranked))
    known = best in _hints() and float(ranked[best] - ranked[ENGLISH]) >= MARGIN
    return best if known else ENGLISH


def sentence_languages(texts: Sequence[str]) -> list[str]:
    """Detect the language of each sentence of a paper."""
    return [detect(text) for text in texts]


def hint(language: str) -> str | None:
    """Tell a speaker of this language what works without a language model; None for English and unknown languages."""
    return _hints().get(language)


def keep_tables_in(folder: Path) -> None:
    """Store the model's unpacked tables in a folder of this machine."""
    _tables["folder"] = folder


@cache
def _identifier() -> LanguageIdentifier:
    from bot.answering.reading.language_tables import open_identifier  # brings NumPy

    return open_identifier(_tables.get("folder"))


@cache
def _hints() -> dict[str, str]:
    return dict(json.loads(resources.files(__package__).joinpath(HINTS).read_text(encoding="utf-8")))
