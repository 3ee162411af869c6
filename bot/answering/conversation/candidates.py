"""Score which paper a follow-up is about, by each candidate's role and evidence and by how the follow-up reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.conversation.ordinals import positions
from bot.answering.conversation.utterance import fitted
from retrieval.calibration import ANY_MODEL, softmax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bot.answering.conversation.dialogue import DialogueState
    from bot.answering.conversation.utterance import UtteranceScores
    from retrieval import Evidence, Hit

# Evidence whose scale depends on the embedding model, and evidence from words only.
BY_MODEL: Final = ("cosine", "sentence_cosine", "words")
BY_WORDS: Final = ("bm25_share", "coverage")
# The roles of a paper in the conversation, and the utterance scores that each role is combined with.
MATTERS: Final = {
    "focus": ("leans", "others", "corrects"),
    "listed": ("leans", "others", "rest"),
    "seen": ("leans", "others", "rest"),
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The papers a follow-up may be about: their hits for the question alone, and for theme and question together."""

    alone: Mapping[str, Hit]
    themed: Mapping[str, Hit]

    def weigh(self, question: str, dialogue: DialogueState, utterance: UtteranceScores, model: str) -> dict[str, float]:
        """Compute the probability (0..1) that each candidate is the paper meant, likeliest first."""
        known = model in fitted()
        weights = fitted()[model if known else ANY_MODEL]["candidates"]
        features = self.features(question, dialogue, utterance, BY_MODEL if known else BY_WORDS)
        scores: NDArray[np.float64] = np.sum([weight * features[name] for name, weight in weights.items()], axis=0)
        likely = softmax(scores)
        order = np.argsort(-likely, kind="stable")
        ids = list(self.alone)
        return {ids[index]: float(likely[index]) for index in order}

    def features(
        self, question: str, dialogue: DialogueState, utterance: UtteranceScores, evidence: Sequence[str]
    ) -> dict[str, NDArray[np.float64]]:
        """Describe each candidate: one column per feature, one row per candidate in the order of `alone`."""
        ids = list(self.alone)
        focus, listed = ([paper.paper_id for paper in papers] for papers in (dialogue.focus, dialogue.listed))
        counted = listed or list(dialogue.seen)
        named = {counted[index] for index in positions(question, len(counted))}
        roles = {
            "focus": np.array([id_ in focus for id_ in ids], float),
            "listed": np.array([id_ in listed and id_ not in focus for id_ in ids], float),
            "seen": np.array([id_ in dialogue.seen and id_ not in (*focus, *listed) for id_ in ids], float),
        }
        found = {"place": np.array([id_ in named for id_ in ids], float)}
        for role, has in roles.items():
            found[role] = has
            found |= {f"{role} {name}": has * getattr(utterance, name) for name in MATTERS[role]}
        for search, hits in (("alone", self.alone), ("themed", self.themed)):
            for name in evidence:
                values = _beside_best([hits[id_].evidence for id_ in ids], name)
                found[f"{search} {name}"] = values
                found[f"{search} {name} leans"] = values * utterance.leans
                found[f"{search} {name} others"] = values * utterance.others
        return found


def _beside_best(evidence: Sequence[Evidence], name: str) -> NDArray[np.float64]:
    """Compute how far each candidate is behind the best one (0 or less) in one kind of evidence."""
    values = np.array([getattr(part, name) for part in evidence], float)
    return np.asarray(values - values.max(), np.float64)
