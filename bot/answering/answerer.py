"""The way of a question: standalone form, hits, enough evidence?, a writer, checked statements, an Answer."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.answering.answer import Answer, Citation, NearPaper, Statement, Usage
from bot.answering.checks import Rejection, check
from bot.answering.clarify import clarification, missing, ways_to_ask
from bot.answering.common import common_terms
from bot.answering.confidence import THRESHOLD, confidence
from bot.answering.conversation import Conversation, Exchange, Relation, Turn
from bot.answering.question import Kind, content_terms, read_question
from bot.errors import WriterError
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from bot.answering.answer import AnswerWriter, WriterName
    from bot.answering.checks import Checked
    from bot.answering.clarify import Clarification
    from bot.answering.conversation import Rewriter
    from bot.answering.judge import Judge
    from retrieval.library import Library
    from retrieval.papers import Hit

log = logging.getLogger(__name__)

LONGEST_QUESTION = 2000  # characters; what comes after costs neither embedding nor tokens
HITS = 10
NEAREST = 3


@dataclass(slots=True)
class _Page:
    """Collect checked statements and number their citations, each paper and quote once."""

    statements: list[Statement] = field(default_factory=list)
    citations: dict[tuple[str, str], Citation] = field(default_factory=dict)

    def add(self, checked: Checked, hits: Sequence[Hit]) -> Statement:
        numbers = []
        for support in checked.supports:
            paper = hits[support.paper_number - 1].paper
            citation = self.citations.setdefault(
                (paper.paper_id, support.quote),
                Citation(len(self.citations) + 1, paper.paper_id, paper.title, paper.url, support.quote),
            )
            numbers.append(citation.number)
        self.statements.append(Statement(checked.text, tuple(dict.fromkeys(numbers))))
        return self.statements[-1]


class Answerer:
    """Answer questions from a library, with a language model where there is one and without it where it fails."""

    def __init__(
        self,
        library: Library,
        extractive: AnswerWriter,
        llm: AnswerWriter | None = None,
        rewriter: Rewriter | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._library = library
        self._extractive = extractive
        self._llm = llm
        self._judge = judge
        self._conversation = Conversation(library, rewriter)

    async def answer(self, question: str, history: Sequence[str | Exchange] = ()) -> Answer:
        """Return an answer whose every statement was checked, or a refusal that names the nearest papers.

        `history` holds the earlier turns of the conversation, oldest first: what `Exchange.of` keeps of an answer,
        or the bare question where nothing else is known.
        """
        async with aclosing(self.stream(question, history)) as snapshots:
            return [snapshot async for snapshot in snapshots][-1]

    async def stream(self, question: str, history: Sequence[str | Exchange] = ()) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, each statement only after its check; the last one yielded is the whole.

        What a language model wrote before it failed gives way to the papers' own sentences.
        """
        stopwatch = _Stopwatch()
        asked = question.strip()
        notes = []
        if len(asked) > LONGEST_QUESTION:
            notes.append(say("The question was cut to its first {most} characters.", most=LONGEST_QUESTION))
        asked = asked[:LONGEST_QUESTION]
        if read_question(asked).kind is Kind.SMALL_TALK:
            hint = say("I answer questions about papers: ask me what a paper found, or which papers work on something.")
            yield _Reply(Turn(asked, asked, asked), notes, stopwatch, self._extractive.name).refuse(hint)
            return

        with stopwatch("conversation"):
            spoken = await self._conversation.recall([_exchange(turn) for turn in history])
            turn = await self._conversation.read(asked, spoken)
        reply = _Reply(turn, notes, stopwatch, self._extractive.name)
        with stopwatch("search"):
            hits = await self._conversation.search(turn, HITS)
        # A detail is asked of the papers spoken of, and only their words may answer it.
        given = [hit for hit in hits if hit.paper.paper_id in turn.focus] or hits
        # Nor may the title of a paper spoken of pass for evidence, where the question has telling words itself.
        leans = turn.relation is not Relation.NEW and not common_terms().issuperset(content_terms(asked))
        wanted = asked if leans else turn.query
        reply.confidence = confidence(wanted, given, self._library.embedder.model)
        if turn.relation is Relation.NEW and turn.query == asked and not spoken.clarifying:
            back = await clarification(asked, hits, self._library.embedder)
            if back:
                yield reply.ask_back(back)
                return
        if reply.confidence < THRESHOLD:
            yield reply.refuse(await asyncio.to_thread(missing, wanted, given), hits)
            return

        # Other papers on a theme need not hold every word of the question that set it.
        question = asked if turn.exclude else turn.query
        with stopwatch("write"):
            async with aclosing(self._write(question, given, reply)) as statements:
                async for _ in statements:
                    yield reply.give()
        if reply.page.statements:
            yield reply.give()
        else:
            yield reply.refuse(await asyncio.to_thread(missing, wanted, given), hits)

    async def _write(self, question: str, given: Sequence[Hit], reply: _Reply) -> AsyncGenerator[Statement]:
        """Let the language model write, and where there is none or it fails the extractive writer."""
        if self._llm is not None:
            reply.start(self._llm)
            try:
                async with aclosing(self._judged(self._llm, reply.turn.standalone, given, reply)) as statements:
                    async for checked in statements:
                        yield reply.page.add(checked, given)
            except WriterError as error:
                reply.notes.append(
                    say("The language model {trouble}; these are the papers' own sentences.", trouble=error)
                )
            else:
                return
        reply.start(self._extractive)
        async with aclosing(_checked(self._extractive, question, given, reply)) as statements:
            async for checked in statements:
                yield reply.page.add(checked, given)

    async def _judged(
        self, writer: AnswerWriter, question: str, given: Sequence[Hit], reply: _Reply
    ) -> AsyncGenerator[Checked]:
        """Yield each statement that passes its checks, all at the end where a judge has its say on them."""
        async with aclosing(_checked(writer, question, given, reply)) as statements:
            if self._judge is None:
                async for checked in statements:
                    yield checked
                return
            passed = [checked async for checked in statements]
        if not passed:
            return
        verdicts, usage = await self._judge.judge(passed, given)
        reply.spend(usage)
        if verdicts is None:
            reply.notes.append(say("The judge could not be asked; quotes and numbers were checked as always."))
            verdicts = [True] * len(passed)
        for checked, holds in zip(passed, verdicts, strict=True):
            if holds:
                yield checked
            else:
                log.info("statement dropped writer=%s reason=judge", writer.name)


async def _checked(writer: AnswerWriter, question: str, hits: Sequence[Hit], reply: _Reply) -> AsyncGenerator[Checked]:
    """Yield each draft that passes its checks, and count what the writer took."""
    async with aclosing(writer.write(question, hits)) as drafts:
        async for written in drafts:
            if isinstance(written, Usage):
                reply.spend(written)
                continue
            checked = await asyncio.to_thread(check, written, hits)
            if isinstance(checked, Rejection):
                log.info("statement dropped writer=%s reason=%s", writer.name, checked.reason)
            else:
                yield checked


def _exchange(turn: str | Exchange) -> Exchange:
    exchange = Exchange(turn) if isinstance(turn, str) else turn
    return replace(exchange, question=exchange.question[:LONGEST_QUESTION])


@dataclass(slots=True)
class _Reply:
    """Hold what is known of an answer while it is made, and end it in one of three ways."""

    turn: Turn
    notes: list[str]
    stopwatch: _Stopwatch
    writer: WriterName
    confidence: float = 0.0
    usage: Usage | None = field(init=False)
    page: _Page = field(default_factory=_Page)

    def __post_init__(self) -> None:
        self.usage = self.turn.usage

    def start(self, writer: AnswerWriter) -> None:
        self.writer = writer.name
        self.page = _Page()

    def spend(self, usage: Usage | None) -> None:
        if usage:
            self.usage = self.usage + usage if self.usage else usage

    def give(self) -> Answer:
        return replace(
            self._answer(refused=False),
            statements=tuple(self.page.statements),
            citations=tuple(self.page.citations.values()),
        )

    def refuse(self, sentence: str, hits: Sequence[Hit] = ()) -> Answer:
        return replace(
            self._answer(refused=True),
            refusal=sentence,
            nearest=tuple(NearPaper(h.paper.paper_id, h.paper.title, h.paper.url) for h in hits[:NEAREST]),
            choices=ways_to_ask(self.turn.question, hits),
        )

    def ask_back(self, back: Clarification) -> Answer:
        return replace(self._answer(refused=True), refusal=back.question, choices=back.choices, clarifying=True)

    def _answer(self, *, refused: bool) -> Answer:
        return Answer(
            question=self.turn.question,
            standalone_question=self.turn.standalone,
            refused=refused,
            writer=self.writer,
            confidence=self.confidence,
            note=" ".join(self.notes) or None,
            usage=self.usage,
            timings_ms=self.stopwatch.read(),
        )


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
