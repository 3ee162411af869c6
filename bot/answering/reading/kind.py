"""Classify what a message asks for: a logistic model over its vector, its words and its form."""

from __future__ import annotations

import json
import re
import unicodedata
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.reading.message_markup import without_markup
from retrieval.calibration import ANY_MODEL, softmax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

# Written by `uv run python bench/fit_kinds.py`, which names itself in the file.
FITTED: Final = files("bot.answering.reading") / "kinds.json"

# A word (apostrophes are dropped first, as many people omit them), a sign, or a character of a script without spaces.
_TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|\d+|[^\w\s]")
_SENTENCE_END: Final = frozenset(".!?。！？")
_LENGTHS: Final = (1, 2, 3, 4, 6, 9, 14, 22, 40)
# tokens from each end; the middle of a pasted page says nothing more about its kind
_READ_TOKENS: Final = 60
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'’`´"))
_FEWEST_CASED: Final = 3  # words needed to judge how many are capitalised


class Kind(StrEnum):
    """What a message asks for."""

    FACT = "fact"  # something that a paper says
    YES_NO = "yes_no"  # whether something is so
    DEFINITION = "definition"  # what a term means
    SUMMARY = "summary"  # a named paper as a whole
    LIST = "list"  # several papers
    COMPARISON = "comparison"  # two or more sides, held against each other
    COUNT = "count"  # how many papers
    NEWEST = "newest"  # the latest papers, or those of a period
    AUTHORS = "authors"  # who wrote a paper
    BY_AUTHOR = "by_author"  # the papers of a person
    PUBLISHED = "published"  # when a paper came out
    BOT = "bot"  # the bot itself, or an instruction to it
    SMALL_TALK = "small_talk"  # no subject at all


# Kinds that ask for papers, not for what a paper says.
MANY: Final = frozenset({Kind.LIST, Kind.COUNT, Kind.NEWEST, Kind.BY_AUTHOR})


def features(text: str) -> frozenset[str]:
    """Name the features of a message: its words singly, in pairs and in threes, its beginning and end, and its form."""
    written = unicodedata.normalize("NFKC", without_markup(text))
    tokens = _TOKEN.findall(written.translate(_APOSTROPHES))
    if len(tokens) > 2 * _READ_TOKENS:
        tokens = [*tokens[:_READ_TOKENS], "…", *tokens[-_READ_TOKENS:]]
    names = set(_form(tokens))
    parts = ["^"]
    for token in tokens:
        parts.append("0" if token.isdecimal() else token.casefold())
        if token in _SENTENCE_END:
            parts.append("^")
    if len(parts) == 1 or parts[-1] != "^":
        parts.append("$")
    else:
        parts[-1] = "$"
    names.update(parts)
    names.update(map(" ".join, pairwise(parts)))
    names.update(map(" ".join, zip(parts, parts[1:], parts[2:], strict=False)))
    return frozenset(names)


def _form(tokens: Sequence[str]) -> Iterator[str]:
    words = [token for token in tokens if token[0].isalnum()]
    yield f"#{sum(len(words) >= length for length in _LENGTHS)}"
    cased = [word for word in words if word.lower() != word.upper()]
    if len(cased) >= _FEWEST_CASED:
        if all(word.isupper() for word in cased):
            yield "#AA"
        else:
            # The larger the share of capitalised words after the first, the more it looks like a title.
            large = sum(not word.islower() for word in cased[1:]) / (len(cased) - 1)
            yield f"#Aa{round(4 * large)}"


class KindReader:
    """Classify messages with coefficients fitted for one embedding model.

    Args:
        model: the embedding model's name; for one without coefficients, words and form decide alone.
        file: the fitted coefficients; the shipped ones by default.
    """

    def __init__(self, model: str, file: Traversable | None = None) -> None:
        fitted = json.loads((file or FITTED).read_text(encoding="utf-8"))
        row = fitted["models"].get(model) or fitted["models"][ANY_MODEL]
        scale = fitted["scale"]
        self._kinds = tuple(map(Kind, fitted["kinds"]))
        self._bars = dict(zip(self._kinds, row["bars"], strict=True))
        self._intercept = np.array(row["intercept"], np.float64) / scale
        self._rows = {name: index for index, name in enumerate(fitted["features"])}
        self._weights = np.array(row["weights"], np.float64) / scale
        self._of_vector = np.array(row["vector"], np.float64) / scale if row["vector"] else None
        asks = row["asks"]
        self._asks = (
            asks["intercept"] / scale,
            np.array(asks["weights"], np.float64) / scale,
            np.array(asks["vector"], np.float64) / scale if asks["vector"] else None,
        )

    def read(self, text: str, vector: NDArray[np.floating]) -> dict[Kind, float]:
        """Compute the probability of each kind; `vector` is the text's unit vector under the reader's model."""
        logits = self._intercept.copy()
        if seen := [self._rows[name] for name in features(text) if name in self._rows]:
            logits += self._weights[seen].sum(axis=0)
        if self._of_vector is not None:
            logits += vector @ self._of_vector
        return dict(zip(self._kinds, softmax(logits).tolist(), strict=True))

    def asks(self, text: str, vector: NDArray[np.floating]) -> float:
        """Estimate how likely (0..1) a message asks something; remarks, thanks and greetings do not."""
        intercept, weights, of_vector = self._asks
        seen = [self._rows[name] for name in features(text) if name in self._rows]
        logit = intercept + float(weights[seen].sum()) + (0.0 if of_vector is None else float(vector @ of_vector))
        return float(softmax(np.array([0.0, logit]))[1])

    def decide(self, kinds: Mapping[Kind, float]) -> Kind:
        """Choose the kind whose probability is highest relative to its threshold."""
        return max(self._kinds, key=lambda kind: kinds[kind] / self._bars[kind])


@cache
def shipped_kinds(model: str) -> KindReader:
    """Get the shared reader with the shipped coefficients, which take 30 ms to parse."""
    return KindReader(model)
