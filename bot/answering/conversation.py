"""Turn a follow-up into a question that stands on its own, by rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Words that point back to something said before.
POINTERS = re.compile(
    r"\b(it|its|that|those|this|these|they|them|their|theirs|he|she|his|her|else|another|other|same|"
    r"one|ones|second|former|latter|above|previous|more)\b",
    re.IGNORECASE,
)
OPENERS = re.compile(r"^\s*(and|but|or|so|also|what about|how about|any other|anybody else|who else)\b", re.IGNORECASE)
SHORT = 6  # words: "how many patients vs controls?" says too little to be searched for alone


def standalone(question: str, history: Sequence[str]) -> str:
    """Return the question with the earlier ones in front where it leans on them, else as it is.

    `history` holds the earlier questions of the dialogue, oldest first. The first names the subject and the
    last what was just asked, so both go in front of a question that points back.
    """
    if not history or not _leans(question):
        return question
    context = dict.fromkeys([history[0], history[-1]])
    return " ".join([*context, question])


def _leans(question: str) -> bool:
    return bool(len(question.split()) <= SHORT or OPENERS.search(question) or POINTERS.search(question))
