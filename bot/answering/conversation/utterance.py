"""What an utterance says of the conversation that it stands in, read by logistics over its vector and its words."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from retrieval.calibration import ANY_MODEL, Logistic
from retrieval.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTED: Final = files("bot.answering.conversation") / "followups.json"
SCORED: Final = ("leans", "others", "rest", "corrects", "compares")
SCALE: Final = 3.0  # of a unit vector's components, beside the 1 of a word that is there
# Words and the signs that say how an utterance is meant, as the logistics were fitted on them.
_WORD: Final = re.compile(r"\w+|[?!,:.]")


@dataclass(frozen=True, slots=True)
class UtteranceScores:
    """Hold how likely (0..1) an utterance is each of these; several may be true.

    Attributes:
        leans: it needs what was said before to be understood.
        others: it asks for others than what was spoken of last.
        rest: those others are among the papers spoken of before, as in "the other one".
        corrects: it says that something else was meant.
        compares: it sets what was spoken of beside something.
    """

    leans: float
    others: float
    rest: float
    corrects: float
    compares: float


def read_utterance(text: str, vector: NDArray[np.float32], model: str) -> UtteranceScores:
    """Read an utterance, of which `vector` is what the model of that name makes."""
    read = logistics(model if model in fitted() else ANY_MODEL)
    features: defaultdict[str, float] = defaultdict(float, utterance_features(text, vector))
    return UtteranceScores(*(logistic.probability(features) for logistic in read))


def utterance_features(text: str, vector: NDArray[np.float32]) -> dict[str, float]:
    """Describe an utterance by its vector's components, its words and its pairs of words."""
    words = ["^", *_WORD.findall(fold(text)), "$"]
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    components = {f"#{index}": SCALE * float(value) for index, value in enumerate(vector)}
    return {**components, **dict.fromkeys((*words, *pairs), 1.0)}


@cache
def fitted() -> dict[str, Any]:
    """Return the rows of the data file, by the name of the embedding model."""
    rows: dict[str, Any] = json.loads(FITTED.read_text(encoding="utf-8"))["models"]
    return rows


@cache
def logistics(model: str) -> tuple[Logistic, ...]:
    """Return what reads each of SCORED, by the name of a row of the data file."""
    return tuple(Logistic.of(fitted()[model]["readings"][name]) for name in SCORED)
