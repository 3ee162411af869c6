"""Answer a question in steps: read it, put it into its conversation, search, weigh the hits, write, check."""

from __future__ import annotations

import datetime as dt
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.answering.answer_builder import AnswerBuilder, Stopwatch
from bot.answering.composer import EARLY, Composer
from bot.answering.conversation import Conversation, Exchange
from bot.answering.evidence.assessor import Assessor
from bot.answering.evidence.named_papers import named_by
from bot.answering.evidence.selection import Selection
from bot.answering.gap_lines import gap_lines
from bot.answering.library_facts import ABOUT_ONE, LibraryFacts
from bot.answering.reading.kind import MANY, Kind
from bot.answering.reading.language_detection import ENGLISH, hint
from bot.answering.reading.question import Reader
from bot.answering.reading.terms import content_terms
from bot.language import say
from bot.llm import Wait, sharing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from bot.answering.answer import Answer
    from bot.answering.checks import Checked
    from bot.answering.conversation import Rewriter
    from bot.answering.judge import Judge
    from bot.answering.reading.question import Question
    from bot.answering.translation import Translator
    from bot.answering.writer import AnswerWriter
    from retrieval import Library
    from retrieval.fulltext.full_text_searcher import Document

LONGEST_QUESTION = 2000  # characters; the rest is cut, so that it costs no embedding and no tokens
NO_SUBJECT = 2  # terms; "latest papers" has no subject, "latest robotics papers" has one
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Attached:
    """A document to search; `alone` says that the question came with it and is only about it."""

    document: Document
    alone: bool


class Answerer:
    """Answer questions from a library, with a language model if there is one, and without it if it fails."""

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
        self._translator = translator
        self._composer = Composer(extractive, llm, judge, early)
        self._reader = Reader(library, today)
        self._assessor = Assessor(library)
        self._facts = LibraryFacts(library)
        self._conversation = Conversation(library, self._reader, self._assessor, rewriter)

    async def answer(self, question: str, history: Sequence[str | Exchange] = ()) -> Answer:
        """Answer a question with checked statements only, or refuse.

        `history` is the earlier turns of the conversation, oldest first: what `Exchange.of` keeps of an answer, or only
        the question if nothing else is known.
        """
        async with aclosing(self.stream(question, history)) as snapshots:
            return [snapshot async for snapshot in snapshots][-1]

    async def stream(
        self, question: str, history: Sequence[str | Exchange] = (), *, document: Attached | None = None
    ) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows; a statement appears once it is checked, and the last answer is complete.

        A `document` takes precedence over the library. Statements from a language model stay once they are shown, even
        if the model fails afterwards. The papers' own sentences that were shown while it was silent are replaced by its
        own.
        """
        stopwatch = Stopwatch()
        asked = question.strip()
        notes = []
        if len(asked) > LONGEST_QUESTION:
            notes.append(say("The question was cut to its first {most} characters.", most=LONGEST_QUESTION))
        asked = asked[:LONGEST_QUESTION]
        wait = Wait()
        with stopwatch("read"):
            read = await self._reader.read(asked)
        with stopwatch("conversation"), sharing(wait):
            dialogue = await self._conversation.recall([_exchange(turn) for turn in history])
            contextual = await self._conversation.read(asked, dialogue, read.vectors if read.text == asked else None)
        builder = AnswerBuilder(contextual, notes, stopwatch, self._composer.extractive.name, wait)
        with stopwatch("read"), sharing(wait):
            if contextual.query != asked:
                kind = read.kind
                read = await self._reader.read(contextual.query, composed=True)
                if (
                    len(contextual.focus) > 1 and kind in MANY
                ):  # a title behind the question does not change what it asks for
                    read = read.of_kind(kind)
            read = await self._in_english(read, builder)
        with stopwatch("search"):
            selection, statement = await self._look(read, builder, document)
        builder.notes += gap_lines(self._library.gaps)
        builder.confidence = selection.confidence
        if selection.outcome != "answered":
            builder.notes += [
                say("Read “{typed}” as “{meant}”.", typed=typed, meant=meant) for typed, meant in read.read_as
            ]
        if selection.outcome == "refused" and not self._may_read(read, selection):
            yield builder.refuse(selection.remarks[0] if selection.remarks else _nothing(read))
            return
        builder.outcome = selection.outcome
        builder.notes += selection.remarks
        if statement:
            builder.page.add(statement, selection.hits)
            yield builder.give()
        with stopwatch("write"):
            async with aclosing(
                self._composer.write(read, selection, builder, with_model=statement is None)
            ) as statements:
                async for _ in statements:
                    yield builder.give()
        if builder.page.statements:
            yield builder.give()
        else:
            yield builder.refuse(_nothing(read))

    async def _look(
        self, question: Question, builder: AnswerBuilder, attached: Attached | None
    ) -> tuple[Selection, Checked | None]:
        """Search the document, and the library if the document has no answer and the question may not be about it."""
        if attached is None:
            return await self._find(question, builder)
        own = await self._assessor.of_document(question, attached.document)
        if question.language != ENGLISH and own.outcome == "answered" and question.kind is not Kind.SUMMARY:
            own = replace(own, outcome="closest")
        if attached.alone or own.outcome == "answered":
            return own, None
        found, statement = await self._find(question, builder)
        return (own, None) if found.outcome == "refused" else (found, statement)

    def _may_read(self, question: Question, selection: Selection) -> bool:
        """Check whether a language model may find an answer that our evidence, made for English, cannot see."""
        foreign = question.language != ENGLISH and not question.is_chat
        return foreign and self._composer.llm is not None and bool(selection.hits)

    async def _in_english(self, question: Question, builder: AnswerBuilder) -> Question:
        """Translate the question with the language model; without one, add a note on what to expect."""
        if question.language == ENGLISH:
            return question
        if self._translator:
            english, usage = await self._translator.to_english(question.text, question.language)
            builder.spend(usage)
            if english:
                return replace(await self._reader.read(english), asked=question.asked, language=question.language)
        elif line := hint(question.language):
            builder.notes.append(line)
        return question

    async def _find(self, question: Question, builder: AnswerBuilder) -> tuple[Selection, Checked | None]:
        """Search and weigh the hits; also answer from the catalogue if the question is about the library itself."""
        known, unknown = await self._references(question)
        stranger = say("I do not know {ids}. /submit adds a paper to the library.", ids=", ".join(unknown))
        if unknown and not known and not _says_more(question):
            return _refusal(stranger), None
        if known and question.kind not in ABOUT_ONE | {Kind.COMPARISON} and not _says_more(question):
            question = question.of_kind(Kind.SUMMARY)
        contextual = replace(builder.contextual, focus=(*known, *builder.contextual.focus))
        period = question.period if question.kind in MANY else None
        since, until = (period.since, period.until) if period else (None, None)
        hits = await self._conversation.search(contextual, question=question, since=since, until=until)
        excluded = await self._conversation.excluded_hits(contextual, question)
        selection = await self._assessor.assess(question, hits, focus=contextual.focus, excluded=excluded)
        if unknown:
            if not known and not any(named_by(hit.paper.title, question.text, hits) for hit in hits):
                return _refusal(stranger), None
            builder.notes.append(stranger)
        if question.language != ENGLISH and selection.outcome == "answered" and not question.references:
            selection = replace(selection, outcome="closest")  # the evidence is fitted on English
        return await self._from_catalogue(question, selection, builder)

    async def _from_catalogue(
        self, question: Question, selection: Selection, builder: AnswerBuilder
    ) -> tuple[Selection, Checked | None]:
        """Answer a question about the library itself; for any other question, return the selection unchanged."""
        if len(builder.contextual.focus) > 1 and question.kind in MANY:  # papers already mentioned, not the library
            return (_newest_first(selection) if question.kind is Kind.NEWEST else selection), None
        match question.kind:
            case Kind.COUNT:
                counted = await self._facts.count(question, selection)
                return (counted.selection, counted.statement) if counted else (selection, None)
            case Kind.BY_AUTHOR:
                found = await self._facts.by_author(question)
                if not found.chosen:
                    sure = question.kinds[Kind.BY_AUTHOR] >= SURE
                    found = _refusal(say("I know no papers by that author.")) if sure else selection
                return found, None
            case Kind.NEWEST:
                whole = not selection.chosen or len(question.terms) <= NO_SUBJECT
                return (await self._facts.newest(question) if whole else _newest_first(selection)), None
            case Kind.AUTHORS | Kind.PUBLISHED if selection.outcome != "refused":
                known_of_it = await self._facts.about_one(question, selection.hits[0])
                if known_of_it is not None:
                    return known_of_it.selection, known_of_it.statement
                builder.notes.append(say("The library does not know that about this paper."))
        return selection, None

    async def _references(self, question: Question) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Look up the ids and links in a question: ids of known papers, and unknown references as they were typed."""
        if not question.references:
            return (), ()
        found = await self._library.lookup(question.asked)
        return tuple(paper.paper_id for paper in found.papers), tuple(reference.text for reference in found.unknown)


def _nothing(question: Question) -> str:
    """Say that the library has nothing on a question; for small talk, say what the bot is for."""
    if question.is_chat or not question.terms:
        return say("I answer questions about papers: ask me what a paper found, or which papers are about a topic.")
    return say("The papers here say nothing on that.")


def _refusal(sentence: str) -> Selection:
    return Selection("refused", 0.0, remarks=(sentence,))


def _says_more(question: Question) -> bool:
    """Check whether a question has words besides its ids and links."""
    rest = question.asked
    for reference in question.references:
        rest = rest.replace(reference.text, " ")
    return bool(content_terms(rest))


def _newest_first(selection: Selection) -> Selection:
    """Sort the chosen sentences by date, newest first and undated ones last."""

    def day(number: int) -> dt.date:
        return selection.hits[number - 1].paper.published or dt.date.min

    return replace(
        selection, chosen=tuple(sorted(selection.chosen, key=lambda sentence: day(sentence.number), reverse=True))
    )


def _exchange(turn: str | Exchange) -> Exchange:
    exchange = Exchange(turn) if isinstance(turn, str) else turn
    return replace(exchange, question=exchange.question[:LONGEST_QUESTION])
