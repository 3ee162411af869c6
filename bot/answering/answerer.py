"""Answer a question in steps: read it, put it into its conversation, search, weigh the hits, write, check."""

from __future__ import annotations

import datetime as dt
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.answering.answer_builder import AnswerBuilder, Stopwatch
from bot.answering.assessor import Assessor
from bot.answering.composer import FALLBACK_AFTER, Composer
from bot.answering.conversation import Conversation, Exchange
from bot.answering.evidence.named_papers import named_by
from bot.answering.evidence.selection import Selection
from bot.answering.gap_notes import gap_notes
from bot.answering.library_facts import ABOUT_ONE_PAPER, LibraryFacts
from bot.answering.reading.kind import MANY, Kind
from bot.answering.reading.language_detection import ENGLISH, hint
from bot.answering.reading.question import Reader
from bot.language import say
from bot.llm import Wait, sharing
from retrieval.text.terms import content_terms

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
    from retrieval.search.full_text_searcher import Document

LONGEST_QUESTION = 2000  # characters; the rest is cut, so that it costs no embedding and no tokens
MOST_TERMS_WITHOUT_SUBJECT = 2  # "latest papers" has no subject, "latest robotics papers" has one
MIN_BY_AUTHOR = 0.9  # probability from which a question asks for an author's papers, even if none is found


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
        fallback_after: dt.timedelta = FALLBACK_AFTER,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    ) -> None:
        self._library = library
        self._translator = translator
        self._composer = Composer(extractive, llm, judge, fallback_after)
        self._reader = Reader(library, today)
        self._assessor = Assessor(library)
        self._facts = LibraryFacts(library)
        self._conversation = Conversation(library, self._reader, self._assessor, rewriter)

    async def answer(self, question: str, history: Sequence[str | Exchange] = ()) -> Answer:
        """Answer a question with checked statements only, or refuse.

        `history` is the conversation so far, oldest first: for each answer what `Exchange.of` makes of it, or only its
        question if nothing else is known.
        """
        async with aclosing(self.stream(question, history)) as snapshots:
            return [snapshot async for snapshot in snapshots][-1]

    async def stream(
        self, question: str, history: Sequence[str | Exchange] = (), *, document: Attached | None = None
    ) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows; a statement appears once it is checked, and the last answer is complete.

        A `document` is searched before the library. Statements from a language model stay once they are shown, even if
        the model fails afterwards. The papers' own sentences, shown while it is silent, give way to its statements.
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
            selection, statement = await self._search(read, builder, document)
        builder.notes += gap_notes(self._library.gaps)
        builder.confidence = selection.confidence
        if selection.outcome != "answered":
            builder.notes += [
                say("Read “{typed}” as “{meant}”.", typed=typed, meant=meant) for typed, meant in read.read_as
            ]
        if selection.outcome == "refused" and not self._model_may_answer(read, selection):
            yield builder.refuse(selection.remarks[0] if selection.remarks else _nothing_found(read))
            return
        builder.outcome = selection.outcome
        builder.notes += selection.remarks
        if statement:
            builder.body.add(statement, selection.hits)
            yield builder.give()
        with stopwatch("write"):
            async with aclosing(
                self._composer.write(read, selection, builder, with_model=statement is None)
            ) as statements:
                async for _ in statements:
                    yield builder.give()
        if builder.body.statements:
            yield builder.give()
        else:
            yield builder.refuse(_nothing_found(read))

    async def _search(
        self, question: Question, builder: AnswerBuilder, attached: Attached | None
    ) -> tuple[Selection, Checked | None]:
        """Search the document; also the library, if the document has no answer and may not be what is asked about."""
        if attached is None:
            return await self._search_library(question, builder)
        own = await self._assessor.of_document(question, attached.document)
        if question.language != ENGLISH and own.outcome == "answered" and question.kind is not Kind.SUMMARY:
            own = replace(own, outcome="closest")
        if attached.alone or own.outcome == "answered":
            return own, None
        found, statement = await self._search_library(question, builder)
        return (own, None) if found.outcome == "refused" else (found, statement)

    def _model_may_answer(self, question: Question, selection: Selection) -> bool:
        """Check whether a language model may find an answer where evidence, which is fitted on English, sees none."""
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

    async def _search_library(self, question: Question, builder: AnswerBuilder) -> tuple[Selection, Checked | None]:
        """Search the library and choose what to answer, or answer from the catalogue what is asked of the library.

        A question whose ids and links are all unknown is refused.
        """
        known, unknown = await self._look_up_references(question)
        not_known = say("I do not know {ids}. /submit adds a paper to the library.", ids=", ".join(unknown))
        if unknown and not known and not _has_other_words(question):
            return _refusal(not_known), None
        if known and question.kind not in ABOUT_ONE_PAPER | {Kind.COMPARISON} and not _has_other_words(question):
            question = question.of_kind(Kind.SUMMARY)
        contextual = replace(builder.contextual, focus=(*known, *builder.contextual.focus))
        period = question.period if question.kind in MANY else None
        since, until = (period.since, period.until) if period else (None, None)
        hits = await self._conversation.search(contextual, question=question, since=since, until=until)
        excluded = await self._conversation.excluded_hits(contextual, question)
        selection = await self._assessor.assess(question, hits, focus=contextual.focus, excluded=excluded)
        if unknown:
            if not known and not any(named_by(hit.paper.title, question.text, hits) for hit in hits):
                return _refusal(not_known), None
            builder.notes.append(not_known)
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
                    certain = question.kinds[Kind.BY_AUTHOR] >= MIN_BY_AUTHOR
                    found = _refusal(say("I know no papers by that author.")) if certain else selection
                return found, None
            case Kind.NEWEST:
                of_any_subject = not selection.chosen or len(question.terms) <= MOST_TERMS_WITHOUT_SUBJECT
                return (await self._facts.newest(question) if of_any_subject else _newest_first(selection)), None
            case Kind.AUTHORS | Kind.PUBLISHED if selection.outcome != "refused":
                fact = await self._facts.about_paper(question, selection.hits[0])
                if fact is not None:
                    return fact.selection, fact.statement
                builder.notes.append(say("The library does not know that about this paper."))
        return selection, None

    async def _look_up_references(self, question: Question) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Look up the ids and links in a question: the ids of known papers, and what is unknown as it was typed."""
        if not question.references:
            return (), ()
        found = await self._library.lookup(question.asked)
        return tuple(paper.paper_id for paper in found.papers), tuple(reference.text for reference in found.unknown)


def _nothing_found(question: Question) -> str:
    """Say that the library has nothing on a question; for small talk, say what the bot is for."""
    if question.is_chat or not question.terms:
        return say("I answer questions about papers: ask me what a paper found, or which papers are about a topic.")
    return say("The papers here say nothing on that.")


def _refusal(sentence: str) -> Selection:
    return Selection("refused", 0.0, remarks=(sentence,))


def _has_other_words(question: Question) -> bool:
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
    """Make an exchange of a turn that may be only a question; the question is cut like a new one."""
    exchange = Exchange(turn) if isinstance(turn, str) else turn
    return replace(exchange, question=exchange.question[:LONGEST_QUESTION])
