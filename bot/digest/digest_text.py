"""The text of a digest: its title and notes, and one sentence per paper on why it matters."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from babel.dates import format_date, format_interval
from babel.numbers import format_decimal
from cachetools import LRUCache

from bot.answering.answer import Draft
from bot.answering.checks import check
from bot.answering.evidence.selection import Selection
from bot.answering.paper_statement import to_statement
from bot.errors import WriterError
from bot.language import current_language, say, say_many
from retrieval import Evidence, Hit
from retrieval.calibration import standardise
from retrieval.text.text import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from bot.answering import AnswerWriter
    from retrieval import Paper
    from retrieval.embedding import Embedder

log = logging.getLogger(__name__)

# Weights of the features that decide which sentence is shown; tuned by reading the results on arXiv's abstracts.
WEIGHTS: Final[Mapping[str, float]] = {
    "topic": 1.0,  # cosine to the topic, standardised over the abstract
    "title": 1.0,
    "overview": 1.5,  # says what the authors did
    "result": 0.4,
    "opening": -1.0,  # the first sentence usually says what everybody knows
    "pointer": -1.2,  # "It", "To guide this search": meaningless by itself
    "item": -1.2,  # one item of a list
    "long": -1.0,
    "short": -1.5,
}
OVERVIEW: Final = re.compile(
    r"\b(?:we|our|this (?:paper|work|study|article|thesis|survey|report))\b.*\b(?:propos|present|introduc|develop"
    r"|describ|releas|design|creat|construct|collect|provid|buil[dt])\w*",
    re.IGNORECASE,
)
RESULT: Final = re.compile(
    r"\b(?:outperform\w*|than|better|worse|superior|improv\w*|compar\w*|unlike|versus|baselines?|while|whereas|but"
    r"|not)\b",
    re.IGNORECASE,
)
# "It" and "this approach" mean nothing without the sentence before; "this paper" is clear from the citation.
POINTER: Final = re.compile(
    r"^(?:It|They|Its|Their|This|These|Such)\b(?! (?:paper|work|study|article|thesis|survey)\b)"
)
# A reference to the sentence before, near the beginning of this one; "this paper" is allowed.
REFERS_BACK: Final = re.compile(
    r"^.{0,40}\b(?:this|these|such|those) (?!paper|work|study|article|survey|thesis|report)", re.IGNORECASE | re.DOTALL
)
ITEM: Final = re.compile(
    r"^\(?(?:\d{1,2}|[a-h]|[ivx]+)[.)]\s+(?=\w)|^(?:first|second|third|finally)(?:ly)?,\s+", re.IGNORECASE
)
LONG: Final = 320  # characters
SHORT: Final = 50
LONGEST_REASON: Final = 500
REMEMBERED: Final = 4096  # reasons
AT_ONCE: Final = 3  # concurrent calls to the language model
NO_EVIDENCE: Final = Evidence(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence as shown, and the verbatim part of the abstract that supports it."""

    text: str
    quote: str


class ReasonWriter:
    """Write why a paper matters for a topic: a sentence of its abstract, or a language model's, checked."""

    def __init__(self, embedder: Embedder, llm: AnswerWriter | None = None) -> None:
        self._embedder = embedder
        self._llm = llm
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._remembered: LRUCache[tuple[str, str], Reason] = LRUCache(REMEMBERED)

    async def write(self, wanted: Sequence[tuple[str, Paper]]) -> list[Reason]:
        """Write a reason for each (topic, paper) pair, in order; empty for a paper without an abstract."""
        missing = [(topic, paper) for topic, paper in wanted if (topic, paper.content_hash) not in self._remembered]
        found = dict(zip(missing, await self._find(missing), strict=True))
        for (topic, paper), reason in found.items():
            self._remembered[topic, paper.content_hash] = reason
        return [found.get((topic, paper)) or self._remembered[topic, paper.content_hash] for topic, paper in wanted]

    async def _find(self, wanted: Sequence[tuple[str, Paper]]) -> list[Reason]:
        quoted = await self._quote(wanted)
        if self._llm is None:
            return quoted
        told = await asyncio.gather(*(self._tell(self._llm, topic, paper) for topic, paper in wanted))
        return [written or reason for written, reason in zip(told, quoted, strict=True)]

    async def _quote(self, wanted: Sequence[tuple[str, Paper]]) -> list[Reason]:
        texts = [[paper.abstract[start:end] for start, end in sentences(paper.abstract)] for _, paper in wanted]
        every = [
            text
            for (topic, paper), parts in zip(wanted, texts, strict=True)
            if parts
            for text in (topic, paper.title, *parts)
        ]
        if not every:
            return [Reason("", "") for _ in wanted]
        distinct = list(dict.fromkeys(every))
        rows = dict(zip(distinct, await self._embedder.embed(distinct), strict=True))
        reasons = []
        for (topic, paper), parts in zip(wanted, texts, strict=True):
            if not parts:
                reasons.append(Reason("", ""))
                continue
            vectors = np.stack([rows[text] for text in parts])
            quote = parts[pick(parts, vectors @ rows[topic], vectors @ rows[paper.title])]
            reasons.append(Reason(readable(quote), quote))
        return reasons

    async def _tell(self, llm: AnswerWriter, topic: str, paper: Paper) -> Reason | None:
        """Ask the language model; its first sentence that passes the checks, None if there is none."""
        hits = [Hit(paper, 0.0, (), (), NO_EVIDENCE)]
        question = f"In one sentence: what is new in this paper for somebody who follows “{topic}”?"
        try:
            async with self._turns, aclosing(llm.write(question, Selection("answered", 1.0, tuple(hits)))) as drafts:
                async for draft in drafts:
                    if isinstance(draft, Draft) and (checked := check(draft, hits)):
                        return Reason(checked.text, checked.supports[0].quote)
        except WriterError as error:
            log.warning("the language model %s; the digest quotes instead", error)
        return None


def pick(texts: Sequence[str], near_topic: NDArray[np.float32], near_title: NDArray[np.float32]) -> int:
    """Choose the sentence of an abstract to show, by index, from the cosines of each to the topic and the title."""
    parts = {
        "topic": standardise(near_topic),
        "title": standardise(near_title),
        "overview": [OVERVIEW.search(text) is not None for text in texts],
        "result": [RESULT.search(text) is not None for text in texts],
        "opening": [index == 0 and len(texts) > 1 for index in range(len(texts))],
        "pointer": [bool(POINTER.match(readable(text)) or REFERS_BACK.match(readable(text))) for text in texts],
        "item": [ITEM.match(text) is not None for text in texts],
        "long": [len(text) > LONG for text in texts],
        "short": [len(text) < SHORT for text in texts],
    }
    return int(np.argmax(sum(weight * np.asarray(parts[name], float) for name, weight in WEIGHTS.items())))


def readable(sentence: str) -> str:
    """Clean up a sentence of an abstract so that it reads on its own, in the authors' words."""
    text = ITEM.sub("", to_statement(" ".join(sentence.split()), "", with_name=False))
    text = text[:1].upper() + text[1:]
    if len(text) > LONGEST_REASON:
        return f"{text[:LONGEST_REASON].rsplit(' ', 1)[0].rstrip(',;:')} …"
    return text


def title(topics: Sequence[str], day: date, *, new: bool = True) -> str:
    """The line above a digest; it calls the papers new only if they are known to be."""
    shown = format_date(day, "long", locale=current_language())
    if new:
        return say("New papers on {topics}, {day}", topics=named(topics), day=shown)
    return say("Papers on {topics}, {day}", topics=named(topics), day=shown)


def note(topics: Sequence[str], considered: int, count: int, most: int, *, new: bool = True) -> str | None:
    """A sentence on why a digest is empty or short, None if it is neither; `new` as in `title`."""
    if considered == 0:
        return say("There were no new papers.")
    if count == 0 and not new:
        return say_many(
            "Nothing on {topics}: I looked through one paper.",
            "Nothing on {topics}: I looked through {n} papers.",
            considered,
            topics=named(topics),
        )
    if count == 0:
        return say_many(
            "Nothing new on {topics}: I looked through one new paper.",
            "Nothing new on {topics}: I looked through {n} new papers.",
            considered,
            topics=named(topics),
        )
    if count < most and not new:
        return say_many(
            "No more than this: I looked through one paper.",
            "No more than these: I looked through {n} papers.",
            considered,
        )
    if count < most:
        return say_many(
            "No more than this: I looked through one new paper.",
            "No more than these: I looked through {n} new papers.",
            considered,
        )
    return None


def hint() -> str:
    """How to change a subscription, in one sentence."""
    return say("Change the topics, the hour or the days with /digest edit; /digest unsubscribe ends it.")


def map_title(count: int, first: date, last: date) -> str:
    """The line above a map of the week's papers."""
    days = format_interval(first, last, "yMMMd", locale=current_language())
    return say_many("One new paper, {days}", "{n} new papers, {days}", count, days=days)


def map_legend() -> str:
    """What a star on the map means."""
    return say("★ in this digest")


def map_alt(caption: str, clusters: Sequence[tuple[str, int]]) -> str:
    """The alt text of a map: its caption, and the names and sizes of its clusters."""
    groups = "; ".join(f"{name} ({format_decimal(count, locale=current_language())})" for name, count in clusters)
    return say(
        "A map on which papers that are alike stand near each other. {caption}. Groups: {groups}.",
        caption=caption,
        groups=groups,
    )


def named(topics: Sequence[str]) -> str:
    """List topics in quotation marks."""
    quoted = [say("“{topic}”", topic=topic) for topic in topics]
    if len(quoted) == 1:
        return quoted[0]
    return say("{some} and {last}", some=", ".join(quoted[:-1]), last=quoted[-1])
