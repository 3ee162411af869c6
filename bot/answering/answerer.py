"""The way of a question: standalone form, hits, enough evidence?, a writer, checked statements, an Answer."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.answering.answer import Answer, Citation, NearPaper, Statement, Usage
from bot.answering.checks import Rejection, check
from bot.answering.confidence import THRESHOLD, confidence
from bot.answering.conversation import standalone
from bot.answering.question import Kind, read_question
from bot.errors import WriterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.answering.answer import AnswerWriter
    from bot.answering.checks import Checked
    from retrieval.library import Library
    from retrieval.papers import Hit

log = logging.getLogger(__name__)

LONGEST_QUESTION = 2000  # characters; what comes after costs neither embedding nor tokens
HITS = 10
NEAREST = 3

TOO_LONG = f"The question was cut to its first {LONGEST_QUESTION:,} characters."
SMALL_TALK = "I answer questions about papers: ask me what a paper found, or which papers work on something."
NOT_HELD = "The papers here do not answer that."


@dataclass(slots=True)
class _Page:
    """Collect checked statements and number their citations, each paper and quote once."""

    statements: list[Statement] = field(default_factory=list)
    citations: dict[tuple[str, str], Citation] = field(default_factory=dict)

    def add(self, checked: Checked, hits: Sequence[Hit]) -> None:
        numbers = []
        for support in checked.supports:
            paper = hits[support.paper_number - 1].paper
            citation = self.citations.setdefault(
                (paper.paper_id, support.quote),
                Citation(len(self.citations) + 1, paper.paper_id, paper.title, paper.url, support.quote),
            )
            numbers.append(citation.number)
        self.statements.append(Statement(checked.text, tuple(dict.fromkeys(numbers))))


class Answerer:
    """Answer questions from a library, with a language model where there is one and without it where it fails."""

    def __init__(self, library: Library, extractive: AnswerWriter, llm: AnswerWriter | None = None) -> None:
        self._library = library
        self._extractive = extractive
        self._llm = llm

    async def answer(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Return an answer whose every statement was checked, or a refusal that names the nearest papers.

        `history` holds the earlier questions of the conversation, oldest first.
        """
        stopwatch = _Stopwatch()
        asked = question.strip()
        notes = [TOO_LONG] if len(asked) > LONGEST_QUESTION else []
        asked = asked[:LONGEST_QUESTION]
        alone = standalone(asked, history)
        if read_question(alone).kind is Kind.SMALL_TALK:
            return self._refusal(asked, alone, SMALL_TALK, [], 0.0, notes, stopwatch)

        with stopwatch("search"):
            hits = await self._library.search(alone, limit=HITS)
        sureness = confidence(alone, hits, self._library.embedder.model)
        if sureness < THRESHOLD:
            return self._refusal(asked, alone, NOT_HELD, hits, sureness, notes, stopwatch)

        writer, page, usage = self._extractive, None, None
        if self._llm is not None:
            writer = self._llm
            try:
                with stopwatch("write"):
                    page, usage = await _write(writer, alone, hits)
            except WriterError as error:
                notes.append(f"The language model {error}; these are the papers' own sentences.")
                writer = self._extractive
        if page is None:
            with stopwatch("write"):
                page, _ = await _write(writer, alone, hits)
        if not page.statements:
            return self._refusal(asked, alone, NOT_HELD, hits, sureness, notes, stopwatch, writer, usage)
        return Answer(
            question=asked,
            standalone_question=alone,
            refused=False,
            writer=writer.name,
            confidence=sureness,
            statements=tuple(page.statements),
            citations=tuple(page.citations.values()),
            note=" ".join(notes) or None,
            usage=usage,
            timings_ms=stopwatch.read(),
        )

    def _refusal(
        self,
        asked: str,
        alone: str,
        sentence: str,
        hits: Sequence[Hit],
        sureness: float,
        notes: Sequence[str],
        stopwatch: _Stopwatch,
        writer: AnswerWriter | None = None,
        usage: Usage | None = None,
    ) -> Answer:
        nearest = tuple(NearPaper(h.paper.paper_id, h.paper.title, h.paper.url) for h in hits[:NEAREST])
        return Answer(
            question=asked,
            standalone_question=alone,
            refused=True,
            writer=(writer or self._extractive).name,
            confidence=sureness,
            nearest=nearest,
            refusal=sentence,
            note=" ".join(notes) or None,
            usage=usage,
            timings_ms=stopwatch.read(),
        )


async def _write(writer: AnswerWriter, question: str, hits: Sequence[Hit]) -> tuple[_Page, Usage | None]:
    """Let a writer write, keep what passes its checks."""
    page, usage = _Page(), None
    async for written in writer.write(question, hits):
        if isinstance(written, Usage):
            usage = written
            continue
        checked = await asyncio.to_thread(check, written, hits)
        if isinstance(checked, Rejection):
            log.info("statement dropped writer=%s reason=%s", writer.name, checked.reason)
        else:
            page.add(checked, hits)
    return page, usage


class _Stopwatch:
    """Measure the named parts of an answer and the whole, in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._parts: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._parts[part] = self._parts.get(part, 0.0) + (time.perf_counter() - start) * 1000

    def read(self) -> dict[str, float]:
        return {**self._parts, "total": (time.perf_counter() - self._start) * 1000}
