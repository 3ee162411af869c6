"""The assessor: choose what an answer is made of, from a question and its hits, for each kind of question."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.evidence.features import Reading, gate_features, holds_address, listing_columns, sentence_columns
from bot.answering.evidence.models import ON_SUBJECT, models_for
from bot.answering.evidence.named_papers import LONGEST_NAME, mentioned, named_by
from bot.answering.evidence.selection import Chosen, Selection
from bot.answering.reading.exclusion import does_without
from bot.answering.reading.kind import MANY, Kind
from bot.answering.reading.language_detection import ENGLISH, sentence_languages
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from bot.answering.evidence.models import Models
    from bot.answering.outcome import Outcome
    from bot.answering.reading.question import Question
    from retrieval import Hit, Library
    from retrieval.fulltext.full_text_searcher import Document

# Chosen on the curves in docs/quality.md: HOLDS trades false claims on near misses against claimed answers; LISTED is
# where three in four listed papers are right.
ON_SUBJECT_OF_CHAT: Final = 0.9  # for words that read like small talk or are meant for the bot, such as "gg"
HOLDS: Final = 0.6
LISTED: Final = 0.3
# For full texts; docs/quality.md shows other values.
BEYOND_TITLE: Final = 0.7
LOOKED_INTO: Final = 3  # papers
PARTS: Final = 3  # parts that a writer may use
SURELY: Final = 0.9  # probability from which a question asks for a summary and cannot mean a detail

MOST_LISTED: Final = 10
ENOUGH: Final = 0.9  # of the probability mass that a paper's quoted sentences should cover
MOST_SENTENCES: Final = 4
CLOSEST: Final = (3, 1, 1)  # sentences from each of the nearest papers, if none surely answers
SUMMARY: Final = 4
HOLDS_SIDE: Final = 0.5  # share of one side's words that its paper must agree with
NEAR: Final = 3  # first hits of a comparison, which usually include both of its papers
MOSTLY: Final = 0.9  # of the best agreement with a term; a sentence above it is about the term
ABOUT: Final = 0.75  # share of the excluded topic that a paper about it agrees with
# Share of the question's words beyond the title that a sentence with an address must agree with to be wanted.
ASKED_FOR: Final = 0.25


class Assessor:
    """Weigh hits for questions; reads word agreement from the library and changes nothing."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._models: Models = models_for(library.embedder.model)

    async def assess(
        self, question: Question, hits: Sequence[Hit], *, focus: Collection[str] = (), besides: Sequence[Hit] = ()
    ) -> Selection:
        """Choose what to answer from the hits.

        `focus` are papers that the question is surely about, which come first; `besides` are papers that it wants
        others than, which still show that the library covers its subject.
        """
        if not question.ruled_out:
            return await self._weigh(question, hits, focus, besides)
        left_out = await self._about(question.ruled_out, hits)
        selection = await self._weigh(question, hits, focus, besides, left_out)
        if not selection.chosen:
            return selection
        if left_out:
            note = say("I left out papers about “{topic}”.", topic=question.ruled_out)
        else:
            note = say(
                "I could not tell which papers are about “{topic}”, so I left none out.", topic=question.ruled_out
            )
        return replace(selection, remarks=(note, *selection.remarks))

    async def _weigh(  # noqa: PLR0911 - one way for each kind of question
        self,
        question: Question,
        found: Sequence[Hit],
        focus: Collection[str],
        besides: Sequence[Hit],
        left_out: Collection[Hit] = (),
    ) -> Selection:
        hits = [hit for hit in found if hit not in left_out]
        names = [hit for hit in hits if named_by(hit.paper.title, question.text, hits)]
        spoken_of = [hit for hit in hits if hit.paper.paper_id in focus]
        sure = spoken_of or names
        ordered = [*sure, *(hit for hit in hits if hit not in sure)]
        if not ordered:
            return Selection("refused", 0.0)
        first = (await self._read(question, ordered[:1]))[0]
        likely = self._likely(first, question)
        features = gate_features(ordered, first, likely, question.wants_number)
        subject = self._models.subject.probability(features)
        holds = self._models.holds.probability(features)
        bar = ON_SUBJECT_OF_CHAT if question.is_chat else ON_SUBJECT
        known = bool(sure) or mentioned(question.text, first.hit, hits)
        if subject < bar and not known and not await self._is_subject_of(question, besides, bar):
            return Selection("refused", subject * holds, tuple(ordered))
        if question.kind in MANY and len(spoken_of) > 1:  # "which of these …": no paper says how it compares
            return await self._closest(question, spoken_of, holds)
        if question.kind in MANY:
            return await self._list(question, found, left_out)
        if question.compares(len(names)):
            return await self._compare(question, ordered, sure, holds)
        summary = question.kind is Kind.SUMMARY and bool(sure)
        definition = question.kind is Kind.DEFINITION and bool(sure)  # a paper defines the thing that it is named after
        deeper = None
        if not definition and not (summary and question.kinds[Kind.SUMMARY] >= SURELY):
            deeper = await self._look_into(question, sure or ordered, ordered)
        if deeper is not None and deeper.outcome == "answered":
            return deeper
        if summary:
            return await self._summarise(question, sure[:1])
        if holds >= HOLDS or definition:
            chosen = Chosen(1, await self._spans(first, question, likely, MOST_SENTENCES))
            return Selection("answered", max(holds, HOLDS), tuple(ordered), (chosen,))
        return deeper or await self._closest(question, sure or ordered, holds)

    async def of_document(self, question: Question, document: Document) -> Selection:
        """Choose what to answer from a document that may be in no library."""
        summary = question.kind is Kind.SUMMARY
        parts = await self._library.document_passages(document, question.text, question.vectors, lead_only=summary)
        if not parts:
            return Selection("refused", 0.0)
        if summary:
            return await self._summarise(question, parts[:1])
        return await self._weigh_parts(question, await self._order(question, parts), ())

    async def _look_into(self, question: Question, near: Sequence[Hit], hits: Sequence[Hit]) -> Selection | None:
        """Search the full texts of the nearest papers; None if their abstracts fit the question better."""
        near = near[:LOOKED_INTO]
        parts = await self._library.full_text_passages(question.text, question.vectors, near)
        if not parts:
            return None
        whole = {part.paper.paper_id for part in parts}
        order = await self._order(question, [*parts, *(hit for hit in near if hit.paper.paper_id in whole)])
        if order[0].location is None:
            return None
        return await self._weigh_parts(question, [part for part in order if part.location], hits)

    async def _order(self, question: Question, parts: Sequence[Hit]) -> list[Hit]:
        """Order abstracts and parts of full texts by their best sentences, weighed as if all were one text."""
        read = await self._read(question, parts)
        likely = self._likely(Reading.joined(read), question)
        firsts = np.cumsum([0, *(len(reading.sentences) for reading in read)])[:-1]
        return [parts[int(index)] for index in np.argsort(-np.maximum.reduceat(likely, firsts), kind="stable")]

    async def _weigh_parts(self, question: Question, parts: Sequence[Hit], hits: Sequence[Hit]) -> Selection:
        """Weigh the first part as if it were an abstract; `hits` are the papers that were found."""
        first = (await self._read(question, parts[:1]))[0]
        likely = self._likely(first, question)
        others = [hit for hit in hits if hit.paper.paper_id != first.hit.paper.paper_id]
        features = gate_features([first.hit, *others], first, likely, question.wants_number)
        holds = self._models.holds.probability(features)
        given = (*parts[:PARTS], *hits)
        # With many parts, one is always near; it must also contain the words that the title does not.
        if holds < HOLDS or features["whole beyond title"] < BEYOND_TITLE:
            return await self._closest(question, given, min(holds, HOLDS))
        return Selection(
            "answered", holds, given, (Chosen(1, await self._spans(first, question, likely, MOST_SENTENCES)),)
        )

    async def _is_subject_of(self, question: Question, besides: Sequence[Hit], bar: float) -> bool:
        """Check whether papers are on the subject of a question that asks for others than them."""
        if not besides:
            return False
        best = (await self._read(question, besides[:1]))[0]
        features = gate_features(besides, best, self._likely(best, question), question.wants_number)
        return self._models.subject.probability(features) >= bar

    async def _closest(self, question: Question, hits: Sequence[Hit], holds: float) -> Selection:
        return Selection("closest", holds, tuple(hits), await self._quote(question, hits, CLOSEST))

    async def _quote(self, question: Question, hits: Sequence[Hit], most: Sequence[int]) -> tuple[Chosen, ...]:
        """Choose sentences from the first hits; `most` is the maximum for each hit in turn."""
        read = await self._read(question, hits[: len(most)])
        return tuple(
            [
                Chosen(number, await self._spans(reading, question, self._likely(reading, question), count))
                for number, (reading, count) in enumerate(zip(read, most, strict=False), start=1)
            ]
        )

    async def _list(self, question: Question, hits: Sequence[Hit], left_out: Collection[Hit]) -> Selection:
        """Choose up to ten papers that stand out as wanted, each with its most telling sentence."""
        chances = self._models.listed.probabilities(listing_columns(hits))
        order = [int(index) for index in np.argsort(-chances, kind="stable") if hits[index] not in left_out]
        standing = [index for index in order[:MOST_LISTED] if chances[index] >= LISTED]
        # Papers in a third language are left for "more" if there are others.
        languages = await asyncio.to_thread(sentence_languages, [hits[index].paper.title for index in standing])
        read = [
            index for index, is_in in zip(standing, languages, strict=True) if is_in in {question.language, ENGLISH}
        ]
        standing = read or standing
        some = [hits[index] for index in standing or order[: len(CLOSEST)]]
        chosen = await self._quote(question, some, [1] * len(some))
        outcome: Outcome = "answered" if standing else "closest"
        rest = tuple(hit for hit in hits if hit not in some)
        return Selection(outcome, float(chances[order[0]]), (*some, *rest), chosen)

    async def _compare(self, question: Question, hits: Sequence[Hit], sure: Sequence[Hit], holds: float) -> Selection:
        """Choose a paper for each side, and note the sides that the library has nothing on."""
        remarks: list[str] = []
        if len(sure) > 1:
            pair = list(sure[: max(2, len(question.sides))])
        elif question.sides:
            pair = []
            for side in question.sides:
                found, held = await self._side(side, hits, pair)
                if held:
                    pair.append(found)
                else:
                    remarks.append(say("The papers here have nothing on “{topic}”.", topic=side))
        else:
            pair = list(hits[:2])
        if not pair:
            return await self._closest(question, hits, 0.0)
        known = len(pair) > 1 and bool(question.sides or len(sure) > 1)
        # If nothing names the sides, one paper may cover both.
        chosen = await self._quote(question, pair, [2] * len(pair) if known else [3, 2])
        outcome: Outcome = "answered" if known or holds >= HOLDS else "closest"
        rest = tuple(hit for hit in hits if hit not in pair)
        return Selection(outcome, holds, (*pair, *rest), chosen, tuple(remarks))

    async def _side(self, side: str, hits: Sequence[Hit], taken: Sequence[Hit]) -> tuple[Hit, bool]:
        """Find the paper for one side of a comparison, and whether it covers that side."""
        vectors = await self._library.embed(side)
        found = await self._library.search(side, limit=NEAR, vectors=vectors)
        ids = {hit.paper.paper_id for hit in taken}
        candidates = [hit for hit in found if hit.paper.paper_id not in ids]
        named = [hit for hit in candidates if named_by(hit.paper.title, side, found)]
        if named:
            return named[0], True
        near = [hit for hit in hits[:NEAR] if hit.paper.paper_id not in ids]
        both = [hit for hit in near if hit.paper.paper_id in {candidate.paper.paper_id for candidate in candidates}]
        # No paper need contain every word of a long description, so the whole question decides; a name must match.
        if near and len(side.split()) > LONGEST_NAME:
            described = both or near
            agreements = await self._library.agreement(side, vectors, described)
            shares = [float(agreement.share(agreement.whole)) for agreement in agreements]
            return described[int(np.argmax(shares))], True
        likely = [*both, *(hit for hit in candidates if hit not in both)]
        for hit, agreement in zip(likely, await self._library.agreement(side, vectors, likely), strict=True):
            if float(agreement.share(agreement.whole)) >= HOLDS_SIDE:
                return hit, True
        return hits[0], False

    async def _summarise(self, question: Question, hits: Sequence[Hit]) -> Selection:
        """Choose the most central sentence of each part of the abstract: problem, work, outcome."""
        reading = (await self._read(question, hits))[0]
        eligible = [
            index
            for index in await self._eligible(reading, question)
            if not holds_address(reading.sentences[index].text)
        ]
        vectors = [reading.sentences[index].vector for index in eligible]
        if not eligible or any(vector is None for vector in vectors):
            return Selection("answered", 1.0, tuple(hits), (Chosen(1, ()),))
        rows = np.stack([vector for vector in vectors if vector is not None])
        central = rows @ rows.mean(axis=0)
        parts = np.array_split(np.arange(len(eligible)), min(SUMMARY, len(eligible)))
        best = [eligible[int(part[np.argmax(central[part])])] for part in parts]
        spans = tuple((reading.sentences[index].start, reading.sentences[index].end) for index in best)
        return Selection("answered", 1.0, tuple(hits), (Chosen(1, spans),))

    async def _about(self, topic: str, hits: Sequence[Hit]) -> list[Hit]:
        vectors = await self._library.embed(topic)
        agreements = await self._library.agreement(topic, vectors, hits)
        return [
            hit
            for hit, agreement in zip(hits, agreements, strict=True)
            if float(agreement.share(agreement.whole)) >= ABOUT and not does_without(hit.paper.abstract, topic)
        ]

    async def _read(self, question: Question, hits: Sequence[Hit]) -> list[Reading]:
        agreements = await self._library.agreement(question.text, question.vectors, hits)
        return [Reading.of(hit, agreement) for hit, agreement in zip(hits, agreements, strict=True)]

    def _likely(self, reading: Reading, question: Question) -> NDArray[np.float64]:
        return self._models.likely(sentence_columns(reading, question.wants_number))

    async def _spans(
        self, reading: Reading, question: Question, likely: NDArray[np.float64], most: int
    ) -> tuple[tuple[int, int], ...]:
        """Choose sentences to quote: the best first, then more, in the paper's order, until they cover enough."""
        eligible = await self._eligible(reading, question)
        order = sorted(eligible, key=lambda index: -likely[index])
        if not order:
            return ()
        total = sum(likely[index] for index in order)
        needed = 1 + int(np.searchsorted(np.cumsum([likely[index] / total for index in order]), ENOUGH))
        best, *others = order[: min(needed, most)]
        if addressed := [index for index in eligible if holds_address(reading.sentences[index].text)]:
            best, others = addressed[0], [index for index in (best, *others) if index != addressed[0]][: most - 1]
        elif question.kind is Kind.DEFINITION:
            best, others = _defining(reading, eligible, [best, *others])
        return tuple(
            (reading.sentences[index].start, reading.sentences[index].end) for index in (best, *sorted(others))
        )

    async def _eligible(self, reading: Reading, question: Question) -> list[int]:
        """Leave out sentences in a language other than the asker's, and unwanted addresses."""
        sentences = reading.sentences
        languages = await asyncio.to_thread(sentence_languages, [passage.text for passage in sentences])
        wanted = question.language if question.language in languages else ENGLISH
        positions = [index for index, language in enumerate(languages) if language == wanted] or list(
            range(len(sentences))
        )
        agreement = reading.agreement
        shares = agreement.share(agreement.sentences, agreement.beyond_title)
        # An address is wanted if no other sentence agrees more with what is asked about the paper.
        wanted_at = int(np.argmax(shares)) if shares.max(initial=0.0) >= ASKED_FOR else None
        return [
            index for index in positions if index == wanted_at or not holds_address(sentences[index].text)
        ] or positions


def _defining(reading: Reading, eligible: Sequence[int], chosen: Iterable[int]) -> tuple[int, list[int]]:
    """Put the first sentence about the term in front: papers define a thing where they first name it."""
    shares = reading.agreement.share(reading.agreement.sentences)
    best = max(float(shares[index]) for index in eligible)
    first = next(index for index in eligible if shares[index] >= MOSTLY * best)
    return first, [index for index in chosen if index != first][: MOST_SENTENCES - 1]
