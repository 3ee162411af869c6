"""Choose the sentences of a question to search for: the question itself, not "Please name one." beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.evidence.features import MatchedHit, gate_features
from bot.answering.evidence.models import MIN_SUBJECT, models_for
from retrieval.references import find_references
from retrieval.text.periods import find_period
from retrieval.text.terms import content_terms
from retrieval.text.text import sentences

if TYPE_CHECKING:
    import datetime as dt

    from retrieval import Library

MOST: Final = 4  # sentences; a longer text was pasted and is searched for as a whole
CROWD: Final = 5  # hits, enough to see the best one's lead over the next


class Lead:
    """Tell the sentences that the library covers from those that it does not, with the model for questions."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._subject = models_for(library.embedder.model).subject

    async def of(self, text: str, today: dt.date) -> str:
        """Join the sentences of a question that are worth a search; all of them if none is on its own."""
        parts = [text[start:end] for start, end in sentences(text)]
        if not 1 < len(parts) <= MOST:
            return text
        leads = await asyncio.gather(*(self._leads(part, today) for part in parts))
        return " ".join(part for part, lead in zip(parts, leads, strict=True) if lead) if any(leads) else text

    async def _leads(self, sentence: str, today: dt.date) -> bool:
        if find_references(sentence) or find_period(sentence, today):
            return True
        if not content_terms(sentence):
            return False
        vectors = await self._library.embed(sentence)
        hits = await self._library.search(sentence, limit=CROWD, vectors=vectors)
        if not hits:
            return False
        (agreement,) = await self._library.agreement(sentence, vectors, hits[:1])
        best = MatchedHit.of(hits[0], agreement)
        features = gate_features(hits, best, np.full(len(best.sentences), 1 / max(1, len(best.sentences))), 0.0)
        return self._subject.probability(features) >= MIN_SUBJECT
