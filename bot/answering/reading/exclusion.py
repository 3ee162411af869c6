"""What the wanted papers should not be about: "…, not about X", "without X", "no X: …"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from retrieval.text.terms import content_terms
from retrieval.text.text import bare_words, fold

# Where the excluding words stand and where the excluded topic ends; a classifier of whole texts tells neither.
_FORMS: Final = re.compile(
    r"(?:^\s*no\s+(?=[^:]{1,40}:)"
    r"|\b(?:except|excluding|other\s+than|apart\s+from)\s+(?:for\s+)?"
    r"|\bnothing\s+(?:with|about|on)\s+)(?P<sure>[^?!;:,.()\n]+):?"
    r"|(?:[,;(–—]\s*(?:but\s+)?(?:not|no)|\bbut\s+(?:not|no)|\bnot(?=\s+(?:about|on|for|with|using|in)\b)|\bNOT"
    r"|\bwithout)\s+(?:(?:about|on|for|with|using|in)\s+)?(?P<maybe>[^?!;:,.()\n]+)",
)

_REACH: Final = 3  # words before a topic in which its absence may be stated: "without any stored rehearsal"
NAMED: Final = 2  # words of a topic; a longer one describes what is wanted ("without anybody labelling each step")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What a question excludes.

    Attributes:
        topic: what the papers should not be about.
        wanted: the question without the excluding words.
        sure: whether its form leaves no doubt; otherwise "no labels" may be what is looked for.
    """

    topic: str
    wanted: str
    sure: bool


def find_exclusion(text: str) -> Exclusion | None:
    """Find what a question excludes, if it has such a form and something else is left to search for."""
    match = _FORMS.search(text)
    if match is None:
        return None
    cue = (match["sure"] or match["maybe"]).split()
    topic = " ".join(word for word in cue if content_terms(word))  # "please" excludes nothing
    wanted = " ".join((text[: match.start()] + " " + text[match.end() :]).split())
    if not topic or not content_terms(wanted):
        return None
    sure = match["sure"] is not None
    return Exclusion(topic, wanted, sure) if sure or len(topic.split()) <= NAMED else None


def does_without(text: str, topic: str) -> bool:
    """Check whether a text says that it does without a topic: "rehearsal-free", "without rehearsal"."""
    terms = content_terms(topic)
    words = bare_words(fold(text))
    for index, word in enumerate(words):
        if word.startswith(terms):
            before = words[max(0, index - _REACH) : index]
            if words[index + 1 : index + 2] == ["free"] or "without" in before or "no" in before:
                return True
            if ("free", "of") in pairwise(before):
                return True
    return False
