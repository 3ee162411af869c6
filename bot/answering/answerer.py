"""The way of a question: read, put into its conversation, searched for, weighed, written, checked: an Answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.answering.catalogue import ABOUT_ONE, Catalogue
from bot.answering.checks import Rejection, check
from bot.answering.conversation import Conversation, Exchange
from bot.answering.evidence.assessor import Assessor
from bot.answering.evidence.names import named_by
from bot.answering.evidence.selection import Selection
from bot.answering.form import MOST_STATEMENTS
from bot.answering.reading.kind import MANY, Kind
from bot.answering.reading.language import ENGLISH, hint
from bot.answering.reading.question import Reader, plain
from bot.answering.reading.terms import content_terms
from bot.errors import WriterError
from bot.language import say
from bot.llm.patience import Wait, sharing
from bot.llm.usage import Usage
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

    from bot.answering.answer import AnswerWriter, Outcome, WriterName
    from bot.answering.checks import Checked
    from bot.answering.conversation import Rewriter, Turn
    from bot.answering.judge import Judge
    from bot.answering.reading.question import Question
    from bot.answering.translation import Translator
    from retrieval.library import Library
    from retrieval.papers import Hit

log = logging.getLogger(__name__)

LONGEST_QUESTION = 2000  # characters; what comes after costs neither embedding nor tokens
GIVEN = 10  # hits that a language model reads
NEAREST = 3
NO_SUBJECT = 2  # "latest papers" is about nothing; "latest robotics papers" is
SURE = 0.9
EARLY = 8.0  # seconds for the language model's first statement, before the papers' own sentences are shown meanwhile


@dataclass(slots=True)
class _Page:
    """Collect checked statements and number the papers that they cite, each paper once."""

    statements: list[Statement] = field(default_factory=list)
    citations: dict[tuple[str, str], Citation] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, checked: Checked, hits: Sequence[Hit]) -> Statement:
        numbers, quotes = [], []
        for support in checked.supports:
            paper = hits[support.paper_number - 1].paper
            number = self.numbers.setdefault(paper.paper_id, len(self.numbers) + 1)
            self.citations.setdefault(
                (paper.paper_id, support.quote),
                Citation(number, paper.paper_id, paper.title, paper.url, support.quote),
            )
            numbers.append(number)
            quotes.append(support.quote)
        self.statements.append(Statement(checked.text, tuple(dict.fromkeys(numbers)), tuple(quotes)))
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
        translator: Translator | None = None,
        *,
        early: float = EARLY,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    ) -> None:
        self._library = library
        self._extractive = extractive
        self._llm = llm
        self._judge = judge
        self._translator = translator
        self._early = early
        self._reader = Reader(library, today)
        self._assessor = Assessor(library)
        self._catalogue = Catalogue(library)
        self._conversation = Conversation(library, self._reader, self._assessor, rewriter)

    async def answer(self, question: str, history: Sequence[str | Exchange] = ()) -> Answer:
        """Give an answer whose every statement was checked, or a refusal.

        `history` holds the earlier turns of the conversation, oldest first: what `Exchange.of` keeps of an answer,
        or the bare question where nothing else is known.
        """
        async with aclosing(self.stream(question, history)) as snapshots:
            return [snapshot async for snapshot in snapshots][-1]

    async def stream(self, question: str, history: Sequence[str | Exchange] = ()) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, each statement only after its check; the last one yielded is the whole.

        What of a language model was checked and shown stays, even if it fails then; the papers' own sentences, shown
        while it was silent, give way to it.
        """
        stopwatch = _Stopwatch()
        asked = question.strip()
        notes = []
        if len(asked) > LONGEST_QUESTION:
            notes.append(say("The question was cut to its first {most} characters.", most=LONGEST_QUESTION))
        asked = asked[:LONGEST_QUESTION]
        wait = Wait()
        with stopwatch("read"):
            read = await self._reader.read(asked)
        with stopwatch("conversation"), sharing(wait):
            spoken = await self._conversation.recall([_exchange(turn) for turn in history])
            turn = await self._conversation.read(asked, spoken, read.vectors if read.text == asked else None)
        reply = _Reply(turn, notes, stopwatch, self._extractive.name, wait)
        with stopwatch("read"), sharing(wait):
            if turn.query != asked:
                read = await self._reader.read(turn.query)
            read = await self._in_english(read, reply)
        with stopwatch("search"):
            selection, statement = await self._find(read, reply)
        reply.confidence = selection.confidence
        if selection.outcome != "answered":
            reply.notes += [
                say("Read “{typed}” as “{meant}”.", typed=typed, meant=meant) for typed, meant in read.read_as
            ]
        if selection.outcome == "refused":
            yield reply.refuse(selection.remarks[0] if selection.remarks else _nothing(read))
            return
        reply.outcome = selection.outcome
        reply.notes += selection.remarks
        if statement:
            reply.page.add(statement, selection.hits)
            yield reply.give()
        with stopwatch("write"):
            async with aclosing(self._write(read, selection, reply, with_model=statement is None)) as statements:
                async for _ in statements:
                    yield reply.give()
        if reply.page.statements:
            yield reply.give()
        else:
            yield reply.refuse(_nothing(read))

    async def _in_english(self, question: Question, reply: _Reply) -> Question:
        """Put a question in another language into English with the language model; without one, say what to expect."""
        if question.language == ENGLISH:
            return question
        if self._translator:
            english, usage = await self._translator.to_english(question.text, question.language)
            reply.spend(usage)
            if english:
                return replace(await self._reader.read(english), asked=question.asked, language=question.language)
        elif line := hint(question.language):
            reply.notes.append(line)
        return question

    async def _find(self, question: Question, reply: _Reply) -> tuple[Selection, Checked | None]:
        """Search, and weigh what was found; with it comes what the catalogue says, where that was asked."""
        known, unknown = await self._references(question)
        stranger = say("I do not know {ids}. /submit adds a paper to the library.", ids=", ".join(unknown))
        if unknown and not known and not _says_more(question):
            return _refusal(stranger), None
        if known and question.kind not in ABOUT_ONE | {Kind.COMPARISON} and not _says_more(question):
            question = question.of_kind(Kind.SUMMARY)
        turn = replace(reply.turn, focus=(*known, *reply.turn.focus))
        period = question.period if question.kind in MANY else None
        since, until = (period.since, period.until) if period else (None, None)
        hits = await self._conversation.search(turn, question=question, since=since, until=until)
        selection = await self._assessor.assess(question, hits, focus=turn.focus)
        if unknown:
            if not known and not any(named_by(hit.paper.title, question.text, hits) for hit in hits):
                return _refusal(stranger), None
            reply.notes.append(stranger)
        if question.language != ENGLISH and selection.outcome == "answered" and not question.references:
            selection = replace(selection, outcome="closest")  # English evidence tells little of other languages
        return await self._from_catalogue(question, selection, reply)

    async def _from_catalogue(
        self, question: Question, selection: Selection, reply: _Reply
    ) -> tuple[Selection, Checked | None]:
        """Answer what is asked of the library itself; leave every other question to what was selected."""
        match question.kind:
            case Kind.COUNT:
                counted = await self._catalogue.count(question, selection)
                return (counted.selection, counted.statement) if counted else (selection, None)
            case Kind.BY_AUTHOR:
                found = await self._catalogue.by_author(question)
                if not found.chosen:
                    sure = question.kinds[Kind.BY_AUTHOR] >= SURE
                    found = _refusal(say("I know no paper here by that author.")) if sure else selection
                return found, None
            case Kind.NEWEST:
                whole = not selection.chosen or len(question.terms) <= NO_SUBJECT
                return (await self._catalogue.newest(question) if whole else _newest_first(selection)), None
            case Kind.AUTHORS | Kind.PUBLISHED if selection.outcome != "refused":
                known_of_it = await self._catalogue.about_one(question, selection.hits[0])
                if known_of_it is not None:
                    return known_of_it.selection, known_of_it.statement
                reply.notes.append(say("The library does not know that of this paper."))
        return selection, None

    async def _references(self, question: Question) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Look up the ids and links of a question: ids of papers known here, and what is not known as it was typed."""
        if not question.references:
            return (), ()
        found = await self._library.lookup(question.asked)
        return tuple(paper.paper_id for paper in found.papers), tuple(each.text for each in found.unknown)

    async def _write(
        self, question: Question, selection: Selection, reply: _Reply, *, with_model: bool
    ) -> AsyncGenerator[Statement]:
        """Let the language model write, and where there is none or it has nothing to show the extractive writer."""
        if self._llm is not None and with_model:
            async with aclosing(self._ask(self._llm, question, selection, reply)) as statements:
                async for statement in statements:
                    yield statement
            if reply.page.statements:
                return
            reply.start(self._extractive)
        async with aclosing(self._quote(question, selection, reply)) as statements:
            async for statement in statements:
                yield statement

    async def _quote(self, question: Question, selection: Selection, reply: _Reply) -> AsyncGenerator[Statement]:
        """Give the papers' own sentences."""
        async with aclosing(_checked(self._extractive, question, selection, reply)) as statements:
            async for checked in statements:
                yield reply.page.add(checked, selection.hits)

    async def _ask(
        self, llm: AnswerWriter, question: Question, selection: Selection, reply: _Reply
    ) -> AsyncGenerator[Statement]:
        """Give what the language model writes; the papers' own sentences while it says nothing for too long."""
        given = replace(selection, hits=selection.hits[:GIVEN])
        reply.start(llm)
        written = _Written()
        try:
            async with aclosing(self._judged(llm, question, given, reply)) as statements:
                async with _ahead(statements, reply.wait) as first:
                    await asyncio.wait({first}, timeout=max(0.0, self._early - reply.stopwatch.seconds()))
                    if not first.done():
                        reply.start(self._extractive)
                        async with aclosing(self._quote(question, selection, reply)) as quoted:
                            async for statement in quoted:
                                yield statement
                    checked = await first
                while checked is not None:
                    if written.takes(checked):
                        if written.count == 1:
                            reply.start(llm)
                        reply.outcome = "answered"
                        yield reply.page.add(checked, given.hits)
                    checked = await anext(statements, None)
        except WriterError as error:
            reply.notes.append(_trouble(error, some=written.count > 0))
        else:
            if not written.count and reply.drafts:
                reply.notes.append(
                    say("What the language model wrote did not pass the checks; these are the papers' own sentences.")
                )
            elif not written.count:
                reply.outcome = "closest"
                reply.notes.append(
                    say("The language model found no answer in the papers; these are their own sentences.")
                )

    async def _judged(
        self, writer: AnswerWriter, question: Question, selection: Selection, reply: _Reply
    ) -> AsyncGenerator[Checked]:
        """Yield each statement that passes its checks, all at the end where a judge has its say on them."""
        async with aclosing(_checked(writer, question, selection, reply)) as statements:
            if self._judge is None:
                async for checked in statements:
                    for sure in _surely(checked, reply.page):
                        yield sure
                return
            passed, error = await _collected(statements)
        verdicts = await self._verdicts(self._judge, passed, selection, reply) if passed else []
        if verdicts is None:
            for checked in passed:
                for sure in _surely(checked, reply.page):
                    yield sure
        for checked, holds in zip(passed, verdicts or (), strict=verdicts is not None):
            if holds:
                yield checked
            else:
                log.info("statement dropped writer=%s reason=judge", writer.name)
        if error:
            raise error

    async def _verdicts(
        self, judge: Judge, passed: Sequence[Checked], selection: Selection, reply: _Reply
    ) -> Sequence[bool] | None:
        verdicts, usage = await judge.judge(passed, selection.hits)
        reply.spend(usage)
        if verdicts is None:
            reply.notes.append(say("The judge could not be asked; quotes and numbers were checked as always."))
        return verdicts


@dataclass(slots=True)
class _Written:
    """Count what the language model wrote that is shown: each sentence once, and no more than it was asked for."""

    said: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.said)

    def takes(self, checked: Checked) -> bool:
        key = fold(checked.text)
        if key in self.said or self.count == MOST_STATEMENTS:
            return False
        self.said.add(key)
        return True


@asynccontextmanager
async def _ahead(statements: AsyncGenerator[Checked], wait: Wait) -> AsyncIterator[asyncio.Task[Checked | None]]:
    """Begin to wait for the first statement, so that something else can be shown meanwhile."""

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
    """Return the statements that come before the end or an error, and the error."""
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


def _surely(checked: Checked, page: _Page) -> list[Checked]:
    """Return a statement, or in place of a doubtful one the sentences that it rests on, if not shown yet."""
    if not checked.doubtful:
        return [checked]
    shown = {statement.text for statement in page.statements}
    return [quote for quote in checked.as_quotes() if quote.text not in shown]


async def _checked(
    writer: AnswerWriter, question: Question, selection: Selection, reply: _Reply
) -> AsyncGenerator[Checked]:
    """Yield each draft that passes its checks, and count what the writer took."""
    async with aclosing(writer.write(plain(question.asked), selection)) as drafts:
        async for written in drafts:
            if isinstance(written, Usage):
                reply.spend(written)
                continue
            reply.drafts += writer.name == "llm"
            language = question.language if writer.name == "llm" else ENGLISH
            checked = await asyncio.to_thread(check, written, selection.hits, language=language)
            if isinstance(checked, Rejection):
                log.info("statement dropped writer=%s reason=%s", writer.name, checked.reason)
            else:
                yield checked


def _nothing(question: Question) -> str:
    """Say that the library has nothing on a question, or, of what is none about papers, what the bot is for."""
    if question.is_chat or not question.terms:
        return say("I answer questions about papers: ask me what a paper found, or which papers work on something.")
    return say("The papers here say nothing on that.")


def _refusal(sentence: str) -> Selection:
    return Selection("refused", 0.0, remarks=(sentence,))


def _says_more(question: Question) -> bool:
    """Say whether a question holds words beside its ids and links."""
    rest = question.asked
    for reference in question.references:
        rest = rest.replace(reference.text, " ")
    return bool(content_terms(rest))


def _newest_first(selection: Selection) -> Selection:
    """Order a list by date, what has none last."""

    def day(number: int) -> dt.date:
        return selection.hits[number - 1].paper.published or dt.date.min

    return replace(selection, chosen=tuple(sorted(selection.chosen, key=lambda each: day(each.number), reverse=True)))


def _exchange(turn: str | Exchange) -> Exchange:
    exchange = Exchange(turn) if isinstance(turn, str) else turn
    return replace(exchange, question=exchange.question[:LONGEST_QUESTION])


@dataclass(slots=True)
class _Reply:
    """Hold what is known of an answer while it is made, and end it in one of two ways."""

    turn: Turn
    notes: list[str]
    stopwatch: _Stopwatch
    writer: WriterName
    wait: Wait
    outcome: Outcome = "answered"
    confidence: float = 0.0
    usage: Usage | None = field(init=False)
    page: _Page = field(default_factory=_Page)
    drafts: int = 0  # that the language model wrote, whatever the checks made of them

    def __post_init__(self) -> None:
        self.usage = self.turn.usage

    def start(self, writer: AnswerWriter) -> None:
        self.writer = writer.name
        self.page = _Page()

    def spend(self, usage: Usage | None) -> None:
        if usage:
            self.usage = self.usage + usage if self.usage else usage

    def give(self) -> Answer:
        cited = dict.fromkeys((each.paper_id, each.title, each.url) for each in self.page.citations.values())
        return replace(
            self._answer(self.outcome),
            statements=tuple(self.page.statements),
            citations=tuple(sorted(self.page.citations.values(), key=lambda citation: citation.number)),
            nearest=tuple(NearPaper(*paper) for paper in cited)[:NEAREST] if self.outcome == "closest" else (),
        )

    def refuse(self, sentence: str) -> Answer:
        return replace(self._answer("refused"), refusal=sentence)

    def _answer(self, outcome: Outcome) -> Answer:
        return Answer(
            question=self.turn.question,
            standalone_question=self.turn.standalone,
            outcome=outcome,
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

    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def read(self) -> dict[str, float]:
        return {**self._parts, "total": (time.perf_counter() - self._start) * 1000}
