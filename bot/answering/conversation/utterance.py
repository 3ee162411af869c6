"""Score what an utterance does in its conversation, with logistic models over its vector and its words."""

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
from retrieval.text.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTED: Final = files("bot.answering.conversation") / "followups.json"
SCORED: Final = ("leans", "others", "rest", "corrects", "compares")
SCALE: Final = 3.0  # factor on a unit vector's components, against the 1 of a word that is present
# Words, and punctuation that changes how an utterance is meant; the models were fitted on these tokens.
_WORD: Final = re.compile(r"\w+|[?!,:.]")


@dataclass(frozen=True, slots=True)
class UtteranceScores:
    """The probability (0..1) of each of these; several may hold at once.

    Attributes:
        leans: it cannot be understood without what was said before.
        others: it asks for others than the papers mentioned last.
        rest: those others were mentioned before, as in "the other one".
        corrects: it says that something else was meant.
        compares: it compares what was mentioned with something.
    """

    leans: float
    others: float
    rest: float
    corrects: float
    compares: float


def read_utterance(text: str, vector: NDArray[np.float32], model: str) -> UtteranceScores:
    """Score an utterance; `vector` is its embedding under the named model."""
    read = logistics(model if model in fitted() else ANY_MODEL)
    features: defaultdict[str, float] = defaultdict(float, utterance_features(text, vector))
    return UtteranceScores(*(logistic.probability(features) for logistic in read))


def utterance_features(text: str, vector: NDArray[np.float32]) -> dict[str, float]:
    """Describe an utterance by the components of its vector, its words and its word pairs."""
    words = ["^", *_WORD.findall(fold(text)), "$"]
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    components = {f"#{index}": SCALE * float(value) for index, value in enumerate(vector)}
    return {**components, **dict.fromkeys((*words, *pairs), 1.0)}


@cache
def fitted() -> dict[str, Any]:
    """Load the rows of the data file, by the name of the embedding model."""
    rows: dict[str, Any] = json.loads(FITTED.read_text(encoding="utf-8"))["models"]
    return rows


@cache
def logistics(model: str) -> tuple[Logistic, ...]:
    """Build the models for SCORED from one row of the data file."""
    return tuple(Logistic.of(fitted()[model]["readings"][name]) for name in SCORED)
