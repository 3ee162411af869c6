"""The fitted evidence models: a table per embedding model, in a file that bench/fit_evidence.py writes."""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from retrieval.calibration import ANY_MODEL, Logistic, softmax
from retrieval.text.text import bare_words, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from bot.answering.evidence.features import Columns

FILE_NAME: Final = "evidence.json"
# Chosen on the curves in docs/quality.md: every off-topic question of the tuning sets is below it.
MIN_SUBJECT: Final = 0.3
_OVERRIDING_TABLES: Final[ContextVar[dict[str, Any] | None]] = ContextVar("tables", default=None)


@dataclass(frozen=True, slots=True)
class Models:
    """The models fitted for one embedding model.

    Attributes:
        subject: whether the library has something on the subject of a question, from its best hit.
        holds: whether that hit answers the question.
        listed: whether a hit belongs on a list.
        sentence: the weights that choose, among a paper's sentences, the one that answers.
    """

    subject: Logistic
    holds: Logistic
    listed: Logistic
    sentence: Mapping[str, float]

    def likely(self, columns: Columns) -> NDArray[np.float64]:
        """Compute the probability, adding up to 1, that each sentence of a paper is the one that answers."""
        scores = sum(
            (weight * columns[name] for name, weight in self.sentence.items()), np.zeros(len(columns["first"]))
        )
        return softmax(scores)


@contextmanager
def using(tables: dict[str, Any]) -> Iterator[None]:
    """Use these tables instead of the file's for every reader made inside; for a bench that holds a source out."""
    token = _OVERRIDING_TABLES.set(tables)
    try:
        yield
    finally:
        _OVERRIDING_TABLES.reset(token)


def models_for(embedding_model: str) -> Models:
    """Load the models for an embedding model; for one without any, the models that use only words."""
    row = _tables()["models"].get(embedding_model) or _tables()["models"][ANY_MODEL]
    fitted = {name: Logistic.of(row[name]) for name in ("subject", "holds", "listed")}
    return Models(**fitted, sentence=row["sentence"])


def wants_number(question: str) -> float:
    """Estimate how likely (0..1) a question asks for a number, with the model of the tables in use."""
    return number_probability(Logistic.of(_tables()["number"]), question)


def number_probability(model: Logistic, question: str) -> float:
    """Estimate how likely (0..1) a question asks for a number, with a model over `words_and_pairs`."""
    held = words_and_pairs(question)
    return model.probability({name: float(name in held) for name in model.weights})


def words_and_pairs(text: str) -> frozenset[str]:
    """Collect the words of a text, its word pairs, and its first word marked with "^"."""
    words = bare_words(fold(text))
    pairs = (f"{one} {other}" for one, other in pairwise(words))
    return frozenset([*words, *pairs, *(f"^{word}" for word in words[:1])])


def _tables() -> dict[str, Any]:
    """The tables in use: those given to `using`, else the file's."""
    return _OVERRIDING_TABLES.get() or _read_tables()


@cache
def _read_tables() -> dict[str, Any]:
    return dict(json.loads(resources.files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8")))
