"""The probability that sentences support a statement: a logistic model that bench/fit_entailment.py fits."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, Final

from bot.answering.entailment.sentence_words import words
from bot.answering.entailment.statement_features import Reading, added, features
from retrieval.calibration import Logistic
from retrieval.text.number_parser import numerals

DATA: Final = "entailment.json"


def bears_out(statement: str, source: str) -> float:
    """Estimate how likely (0..1) the source sentences say what the statement says, given that they are on its topic."""
    fitted = _fitted()
    reading = Reading.of(statement, source)
    described = features(statement, source)
    found = {f"added {stem}" for stem in added(reading, numerals(source))}
    singles = {name: float(name in found) for name in fitted.weights if name not in described}
    return fitted.probability({**described, **singles})


def negates(text: str) -> bool:
    """Check whether a text negates anything, in any language that answers are written in."""
    return any(word.negates for word in words(text))


@cache
def _fitted() -> Logistic:
    data: dict[str, Any] = json.loads(resources.files(__package__).joinpath(DATA).read_text(encoding="utf-8"))
    return Logistic.of(data)
