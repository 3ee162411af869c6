"""The language of a text, where it is surely not English, and what is said to somebody who asks in it.

py3langid (BSD, 3 MB, numpy alone) reads one text in 0.04 ms. Jargon and titles look like many languages, so a text
counts as English unless another language is far likelier: at this margin none of 1,400 English questions does not.
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
MARGIN: Final = 14.0  # of the log-probability over English's
HINTS: Final = "hints.json"

_tables: Final[dict[str, Path]] = {}


@lru_cache(maxsize=4096)  # papers that are found once are found again
def detect(text: str) -> str:
    """Give the ISO 639-1 code of a text's language: English wherever another one is not sure."""
    ranked = dict(_identifier().rank(text.lower()))
    best = next(iter(ranked))
    known = best in _hints() and float(ranked[best] - ranked[ENGLISH]) >= MARGIN
    return best if known else ENGLISH


def sentence_languages(texts: Sequence[str]) -> list[str]:
    """Give the language of each sentence of a paper."""
    return [detect(text) for text in texts]


def hint(language: str) -> str | None:
    """Say in a language what can be expected without a language model; None for English and unknown ones."""
    return _hints().get(language)


def keep_tables_in(folder: Path) -> None:
    """Have the model's tables kept in a folder of this machine, from where they need no unpacking."""
    _tables["folder"] = folder


@cache
def _identifier() -> LanguageIdentifier:
    from bot.answering.reading.language_tables import open_identifier  # and with it NumPy

    return open_identifier(_tables.get("folder"))


@cache
def _hints() -> dict[str, str]:
    return dict(json.loads(resources.files(__package__).joinpath(HINTS).read_text(encoding="utf-8")))
