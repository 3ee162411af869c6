"""An answer while it is being made: its statements so far, its usage and timings, and its end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from bot.answering.answer import Answer, Citation, NearPaper, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.answering.checks import Checked
    from bot.answering.conversation import ContextualQuestion
    from bot.answering.outcome import Outcome, WriterName
    from bot.answering.writer import AnswerWriter
    from bot.llm import Usage, Wait
    from retrieval import Hit

MOST_NEAREST: Final = 3  # papers named under closest passages


@dataclass(slots=True)
class AnswerBody:
    """The statements of an answer so far, and its citations; papers are numbered in the order in which they are cited.

    Attributes:
        statements: those shown, in their order.
        citations: by the id of the paper and the quote.
        paper_numbers: the number of each cited paper, from 1, by its id.
    """

    statements: list[Statement] = field(default_factory=list)
    citations: dict[tuple[str, str], Citation] = field(default_factory=dict)
    paper_numbers: dict[str, int] = field(default_factory=dict)

    def add(self, checked: Checked, hits: Sequence[Hit]) -> Statement:
        """Add a statement and the papers that it cites."""
        numbers, quotes = [], []
        for support in checked.supports:
            hit = hits[support.paper_number - 1]
            paper = hit.paper
            number = self.paper_numbers.setdefault(paper.paper_id, len(self.paper_numbers) + 1)
            citation = Citation(
                number, paper.paper_id, paper.title, paper.url, support.quote, *_position(hit, support.quote)
            )
            self.citations.setdefault((paper.paper_id, support.quote), citation)
            numbers.append(number)
            quotes.append(support.quote)
        self.statements.append(Statement(checked.text, tuple(dict.fromkeys(numbers)), tuple(quotes)))
        return self.statements[-1]


def _position(hit: Hit, quote: str) -> tuple[str | None, int | None]:
    """Find the section and, in a PDF, the page of a quote from a full text; (None, None) for any other quote."""
    offset = hit.paper.abstract.find(quote)
    if hit.location is None or offset < 0:
        return None, None
    return hit.location.section, hit.location.page_at(offset)


@dataclass(slots=True)
class AnswerBuilder:
    """Collect what is known of an answer while it is made, and make an answer or a refusal of it at any time."""

    contextual: ContextualQuestion
    notes: list[str]
    stopwatch: Stopwatch
    writer: WriterName
    wait: Wait
    outcome: Outcome = "answered"
    confidence: float = 0.0
    usage: Usage | None = field(init=False)
    body: AnswerBody = field(default_factory=AnswerBody)
    drafts: int = 0  # how many the language model wrote, whether or not they passed the checks

    def __post_init__(self) -> None:
        self.usage = self.contextual.usage

    def restart(self, writer: AnswerWriter) -> None:
        """Throw away what is written so far, and start an empty body for a writer."""
        self.writer = writer.name
        self.body = AnswerBody()

    def spend(self, usage: Usage | None) -> None:
        """Add what a call to the language model used."""
        if usage:
            self.usage = self.usage + usage if self.usage else usage

    def give(self) -> Answer:
        """Make the answer of the statements so far."""
        papers = dict.fromkeys(
            (citation.paper_id, citation.title, citation.url) for citation in self.body.citations.values()
        )
        return replace(
            self._answer(self.outcome),
            statements=tuple(self.body.statements),
            citations=tuple(sorted(self.body.citations.values(), key=lambda citation: citation.number)),
            nearest=tuple(NearPaper(*paper) for paper in papers)[:MOST_NEAREST] if self.outcome == "closest" else (),
        )

    def refuse(self, sentence: str) -> Answer:
        """Make a refusal that says `sentence`."""
        return replace(self._answer("refused"), refusal=sentence)

    def _answer(self, outcome: Outcome) -> Answer:
        return Answer(
            question=self.contextual.question,
            standalone_question=self.contextual.standalone,
            outcome=outcome,
            writer=self.writer,
            confidence=self.confidence,
            note=" ".join(self.notes) or None,
            usage=self.usage,
            timings_ms=self.stopwatch.read(),
        )


class Stopwatch:
    """Time an answer and its named parts, in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._parts: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Time the block as a part; times under the same name add up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._parts[part] = self._parts.get(part, 0.0) + (time.perf_counter() - start) * 1000

    def seconds(self) -> float:
        """Read the seconds since the start."""
        return time.perf_counter() - self._start

    def read(self) -> dict[str, float]:
        """Read the milliseconds of each part, and of the whole as "total"."""
        return {**self._parts, "total": (time.perf_counter() - self._start) * 1000}
