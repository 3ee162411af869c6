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

NEAREST: Final = 3


@dataclass(slots=True)
class Page:
    """Collect checked statements and number the papers that they cite, in the order of their first citation."""

    statements: list[Statement] = field(default_factory=list)
    citations: dict[tuple[str, str], Citation] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, checked: Checked, hits: Sequence[Hit]) -> Statement:
        """Add a statement and the papers that it cites."""
        numbers, quotes = [], []
        for support in checked.supports:
            hit = hits[support.paper_number - 1]
            paper = hit.paper
            number = self.numbers.setdefault(paper.paper_id, len(self.numbers) + 1)
            cited = Citation(
                number, paper.paper_id, paper.title, paper.url, support.quote, *_position(hit, support.quote)
            )
            self.citations.setdefault((paper.paper_id, support.quote), cited)
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
    """Collect what is known of an answer while it is made, and end it as an answer or as a refusal."""

    contextual: ContextualQuestion
    notes: list[str]
    stopwatch: Stopwatch
    writer: WriterName
    wait: Wait
    outcome: Outcome = "answered"
    confidence: float = 0.0
    usage: Usage | None = field(init=False)
    page: Page = field(default_factory=Page)
    drafts: int = 0  # how many the language model wrote, whether or not they passed the checks

    def __post_init__(self) -> None:
        self.usage = self.contextual.usage

    def start(self, writer: AnswerWriter) -> None:
        """Start an empty page for a writer."""
        self.writer = writer.name
        self.page = Page()

    def spend(self, usage: Usage | None) -> None:
        """Add what a call to the language model used."""
        if usage:
            self.usage = self.usage + usage if self.usage else usage

    def give(self) -> Answer:
        """Finish the answer with the statements on the page."""
        cited = dict.fromkeys(
            (cited_paper.paper_id, cited_paper.title, cited_paper.url) for cited_paper in self.page.citations.values()
        )
        return replace(
            self._answer(self.outcome),
            statements=tuple(self.page.statements),
            citations=tuple(sorted(self.page.citations.values(), key=lambda citation: citation.number)),
            nearest=tuple(NearPaper(*paper) for paper in cited)[:NEAREST] if self.outcome == "closest" else (),
        )

    def refuse(self, sentence: str) -> Answer:
        """Finish with a refusal that says `sentence`."""
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
