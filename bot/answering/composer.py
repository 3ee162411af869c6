"""Compose an answer with the language model, or else from the papers' own sentences; every statement is checked."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.answering.checks import Rejection, check
from bot.answering.form import MOST_STATEMENTS
from bot.answering.reading.language_detection import ENGLISH
from bot.answering.reading.question import plain
from bot.errors import WriterError
from bot.language import say
from bot.llm import Usage, Wait, sharing
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from bot.answering.answer import Statement
    from bot.answering.answer_builder import AnswerBody, AnswerBuilder
    from bot.answering.checks import Checked
    from bot.answering.evidence.selection import Selection
    from bot.answering.judge import Judge
    from bot.answering.reading.question import Question
    from bot.answering.writer import AnswerWriter

log = logging.getLogger(__name__)

GIVEN: Final = 10  # hits that the language model gets
# How long to wait for its first statement before the papers' own sentences are shown meanwhile.
FALLBACK_AFTER: Final = timedelta(seconds=8)


class Composer:
    """Write answers so that a language model never makes one worse than the papers' own sentences."""

    def __init__(
        self, extractive: AnswerWriter, llm: AnswerWriter | None, judge: Judge | None, fallback_after: timedelta
    ) -> None:
        self.extractive = extractive
        self.llm = llm
        self._judge = judge
        self._fallback_after = fallback_after.total_seconds()

    async def write(
        self, question: Question, selection: Selection, builder: AnswerBuilder, *, with_model: bool
    ) -> AsyncGenerator[Statement]:
        """Write with the language model; fall back to the extractive writer if there is none or it shows nothing."""
        if self.llm is not None and with_model:
            async with aclosing(self._ask(self.llm, question, selection, builder)) as statements:
                async for statement in statements:
                    yield statement
            if builder.body.statements:
                return
            builder.restart(self.extractive)
        async with aclosing(self._quote(question, selection, builder)) as statements:
            async for statement in statements:
                yield statement

    async def _quote(
        self, question: Question, selection: Selection, builder: AnswerBuilder
    ) -> AsyncGenerator[Statement]:
        """Write with the extractive writer: the papers' own sentences."""
        async with aclosing(_checked(self.extractive, question, selection, builder)) as statements:
            async for checked in statements:
                yield builder.body.add(checked, selection.hits)

    async def _ask(
        self, llm: AnswerWriter, question: Question, selection: Selection, builder: AnswerBuilder
    ) -> AsyncGenerator[Statement]:
        """Write with the language model, and show the papers' own sentences if it is silent for too long."""
        given = replace(selection, hits=selection.hits[:GIVEN])
        builder.restart(llm)
        shown = _ShownStatements()
        try:
            async with aclosing(self._judged(llm, question, given, builder)) as statements:
                async with _awaiting_first(statements, builder.wait) as first:
                    await asyncio.wait({first}, timeout=max(0.0, self._fallback_after - builder.stopwatch.seconds()))
                    if not first.done():
                        builder.restart(self.extractive)
                        async with aclosing(self._quote(question, selection, builder)) as quoted:
                            async for statement in quoted:
                                yield statement
                    checked = await first
                while checked is not None:
                    if shown.add(checked):
                        if shown.count == 1:
                            builder.restart(llm)
                        builder.outcome = "answered"
                        yield builder.body.add(checked, given.hits)
                    checked = await anext(statements, None)
        except WriterError as error:
            builder.notes.append(_trouble(error, some=shown.count > 0))
        else:
            if not shown.count and builder.drafts:
                builder.notes.append(
                    say("What the language model wrote did not pass the checks; these are the papers' own sentences.")
                )
            elif not shown.count:
                builder.outcome = "closest"
                builder.notes.append(
                    say("The language model found no answer in the papers; these are their own sentences.")
                )

    async def _judged(
        self, writer: AnswerWriter, question: Question, selection: Selection, builder: AnswerBuilder
    ) -> AsyncGenerator[Checked]:
        """Yield the statements to show: as each passes the checks, or with a judge, once it has decided on all.

        A doubtful one that no judge has confirmed gives way to the sentences that it rests on.
        """
        async with aclosing(_checked(writer, question, selection, builder)) as statements:
            if self._judge is None:
                async for checked in statements:
                    for statement in _replace_doubtful(checked, builder.body):
                        yield statement
                return
            passed, error = await _collected(statements)
        verdicts = await self._verdicts(self._judge, passed, selection, builder) if passed else []
        if verdicts is None:
            for checked in passed:
                for statement in _replace_doubtful(checked, builder.body):
                    yield statement
        for checked, holds in zip(passed, verdicts or (), strict=verdicts is not None):
            if holds:
                yield checked
            else:
                log.info("statement dropped writer=%s reason=judge", writer.name)
        if error:
            raise error

    async def _verdicts(
        self, judge: Judge, passed: Sequence[Checked], selection: Selection, builder: AnswerBuilder
    ) -> Sequence[bool] | None:
        verdicts, usage = await judge.judge(passed, selection.hits)
        builder.spend(usage)
        if verdicts is None:
            builder.notes.append(say("The judge could not be reached; quotes and numbers were checked as always."))
        return verdicts


@dataclass(slots=True)
class _ShownStatements:
    """The language model's statements that are shown: each sentence once, up to the number asked for."""

    folded: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.folded)

    def add(self, checked: Checked) -> bool:
        """Add a statement, and tell whether it was added: False if it is there already, or enough are."""
        key = fold(checked.text)
        if key in self.folded or self.count == MOST_STATEMENTS:
            return False
        self.folded.add(key)
        return True


@asynccontextmanager
async def _awaiting_first(
    statements: AsyncGenerator[Checked], wait: Wait
) -> AsyncIterator[asyncio.Task[Checked | None]]:
    """Wait for the first statement in a task, so that something else can be shown meanwhile."""

    async def begin() -> Checked | None:
        return await anext(statements, None)

    with sharing(wait):
        first = asyncio.create_task(begin())
    try:
        yield first
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def _collected(statements: AsyncGenerator[Checked]) -> tuple[list[Checked], WriterError | None]:
    """Collect the statements up to the end or an error, and the error."""
    passed = []
    try:
        async for checked in statements:
            passed.append(checked)  # noqa: PERF401 - what came before the error counts
    except WriterError as error:
        return passed, error
    return passed, None


def _trouble(error: WriterError, *, some: bool) -> str:
    if some:
        return say("The language model {trouble}; the rest of its answer is missing.", trouble=error)
    return say("The language model {trouble}; these are the papers' own sentences.", trouble=error)


def _replace_doubtful(checked: Checked, body: AnswerBody) -> list[Checked]:
    """Replace a doubtful statement by the sentences it rests on that are not shown yet; keep any other."""
    if not checked.doubtful:
        return [checked]
    shown = {statement.text for statement in body.statements}
    return [quote for quote in checked.as_quotes() if quote.text not in shown]


async def _checked(
    writer: AnswerWriter, question: Question, selection: Selection, builder: AnswerBuilder
) -> AsyncGenerator[Checked]:
    """Yield each draft that passes the checks, and add up the writer's usage."""
    async with aclosing(writer.write(plain(question.asked), selection)) as drafts:
        async for written in drafts:
            if isinstance(written, Usage):
                builder.spend(written)
                continue
            builder.drafts += writer.name == "llm"
            language = question.language if writer.name == "llm" else ENGLISH
            checked = await asyncio.to_thread(check, written, selection.hits, language=language)
            if isinstance(checked, Rejection):
                log.info("statement dropped writer=%s reason=%s", writer.name, checked.reason)
            else:
                yield checked
