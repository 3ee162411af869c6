"""The assessor: choose what an answer is made of, from a question and its hits, for each kind of question."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.evidence.features import MatchedHit, gate_features, holds_address, listing_columns, sentence_columns
from bot.answering.evidence.models import MIN_SUBJECT, models_for
from bot.answering.evidence.named_papers import LONGEST_NAME, has_rare_name_of, named_by
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
    from retrieval.search.full_text_searcher import Document

# Probabilities from which the fitted models are believed, chosen on the curves in docs/quality.md: MIN_HOLDS trades
# false claims on near misses against claimed answers; MIN_LISTED is where three in four listed papers are right.
MIN_SUBJECT_OF_SMALL_TALK: Final = 0.9  # for words that read like small talk or are meant for the bot, such as "gg"
MIN_HOLDS: Final = 0.6
MIN_LISTED: Final = 0.3
MIN_SUMMARY: Final = 0.9  # a question asks for a summary and cannot mean a detail
# For full texts; docs/quality.md shows other values.
MIN_BEYOND_TITLE: Final = 0.7  # share of the question's words beyond the title that a part must agree with
MOST_FULL_TEXTS: Final = 3  # papers whose full texts are searched
MOST_PARTS: Final = 3  # parts of full texts that a writer may use

MOST_LISTED: Final = 10
MIN_MASS: Final = 0.9  # of the probability over a paper's sentences, which those quoted should cover
MOST_SENTENCES: Final = 4
CLOSEST_SENTENCES: Final = (3, 1, 1)  # sentences from each of the nearest papers, if none surely answers
SUMMARY_SENTENCES: Final = 4
MIN_SIDE_SHARE: Final = 0.5  # share of one side's words that its paper must agree with
COMPARED_HITS: Final = 3  # first hits of a comparison, which usually include both of its papers
MIN_TERM_SHARE: Final = 0.9  # of the best sentence's agreement; a sentence above it is about the term
MIN_TOPIC_SHARE: Final = 0.75  # share of a topic's words that a paper about it agrees with
# Share of the question's words beyond the title that a sentence with an address must agree with to be wanted.
MIN_ADDRESS_SHARE: Final = 0.25


class Assessor:
    """Weigh hits for questions; reads word agreement from the library and changes nothing."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._models: Models = models_for(library.embedder.model)

    async def assess(
        self, question: Question, hits: Sequence[Hit], *, focus: Collection[str] = (), excluded: Sequence[Hit] = ()
    ) -> Selection:
        """Choose what to answer from the hits.

        Args:
            question: the question, as it was read.
            hits: what was found, best first.
            focus: ids of papers that the question is surely about; they come first.
            excluded: papers spoken of, where the question asks for others; they too show what the library covers.
        """
        if not question.ruled_out:
            return await self._select(question, hits, focus, excluded)
        ruled_out = await self._find_about(question.ruled_out, hits)
        selection = await self._select(question, hits, focus, excluded, ruled_out)
        if not selection.chosen:
            return selection
        if ruled_out:
            note = say("I left out papers about “{topic}”.", topic=question.ruled_out)
        else:
            note = say(
                "I could not tell which papers are about “{topic}”, so I left none out.", topic=question.ruled_out
            )
        return replace(selection, remarks=(note, *selection.remarks))

    async def _select(  # noqa: PLR0911 - one way for each kind of question
        self,
        question: Question,
        found: Sequence[Hit],
        focus: Collection[str],
        excluded: Sequence[Hit],
        ruled_out: Collection[Hit] = (),
    ) -> Selection:
        """Choose what to answer from the hits that are not ruled out."""
        hits = [hit for hit in found if hit not in ruled_out]
        named = [hit for hit in hits if named_by(hit.paper.title, question.text, hits)]
        in_focus = [hit for hit in hits if hit.paper.paper_id in focus]
        meant = in_focus or named
        ordered = [*meant, *(hit for hit in hits if hit not in meant)]
        if not ordered:
            return Selection("refused", 0.0)
        first = (await self._match(question, ordered[:1]))[0]
        likely = self._likely(first, question)
        features = gate_features(ordered, first, likely, question.wants_number)
        subject = self._models.subject.probability(features)
        holds = self._models.holds.probability(features)
        threshold = MIN_SUBJECT_OF_SMALL_TALK if question.is_chat else MIN_SUBJECT
        known = bool(meant) or has_rare_name_of(question.text, first.hit, hits)
        if subject < threshold and not known and not await self._are_on_subject(question, excluded, threshold):
            return Selection("refused", subject * holds, tuple(ordered))
        if question.kind in MANY and len(in_focus) > 1:  # "which of these …": no paper says how it compares
            return await self._closest(question, in_focus, holds)
        if question.kind in MANY:
            return await self._list(question, found, ruled_out)
        if question.compares(len(named)):
            return await self._compare(question, ordered, meant, holds)
        summary = question.kind is Kind.SUMMARY and bool(meant)
        # A paper defines the thing that it is named after.
        definition = question.kind is Kind.DEFINITION and bool(meant)
        from_full_texts = None
        if not definition and not (summary and question.kinds[Kind.SUMMARY] >= MIN_SUMMARY):
            from_full_texts = await self._search_full_texts(question, meant or ordered, ordered)
        if from_full_texts is not None and from_full_texts.outcome == "answered":
            return from_full_texts
        if summary:
            return await self._summarise(question, meant[:1])
        if holds >= MIN_HOLDS or definition:
            chosen = Chosen(1, await self._spans(first, question, likely, MOST_SENTENCES))
            return Selection("answered", max(holds, MIN_HOLDS), tuple(ordered), (chosen,))
        return from_full_texts or await self._closest(question, meant or ordered, holds)

    async def of_document(self, question: Question, document: Document) -> Selection:
        """Choose what to answer from a document that may be in no library."""
        summary = question.kind is Kind.SUMMARY
        parts = await self._library.document_passages(document, question.text, question.vectors, lead_only=summary)
        if not parts:
            return Selection("refused", 0.0)
        if summary:
            return await self._summarise(question, parts[:1])
        return await self._select_from_parts(question, await self._order(question, parts), ())

    async def _search_full_texts(
        self, question: Question, near: Sequence[Hit], hits: Sequence[Hit]
    ) -> Selection | None:
        """Choose what to answer from the full texts of the nearest papers; None if their abstracts fit better."""
        near = near[:MOST_FULL_TEXTS]
        parts = await self._library.full_text_passages(question.text, question.vectors, near)
        if not parts:
            return None
        whole = {part.paper.paper_id for part in parts}
        order = await self._order(question, [*parts, *(hit for hit in near if hit.paper.paper_id in whole)])
        if order[0].location is None:
            return None
        return await self._select_from_parts(question, [part for part in order if part.location], hits)

    async def _order(self, question: Question, parts: Sequence[Hit]) -> list[Hit]:
        """Order abstracts and parts of full texts by their best sentences, weighed as if all were one text."""
        matches = await self._match(question, parts)
        likely = self._likely(MatchedHit.joined(matches), question)
        firsts = np.cumsum([0, *(len(matched.sentences) for matched in matches)])[:-1]
        return [parts[int(index)] for index in np.argsort(-np.maximum.reduceat(likely, firsts), kind="stable")]

    async def _select_from_parts(self, question: Question, parts: Sequence[Hit], hits: Sequence[Hit]) -> Selection:
        """Choose what to answer from parts of full texts, best first; `hits` are the papers that were found.

        The first part is weighed as if it were an abstract.
        """
        first = (await self._match(question, parts[:1]))[0]
        likely = self._likely(first, question)
        others = [hit for hit in hits if hit.paper.paper_id != first.hit.paper.paper_id]
        features = gate_features([first.hit, *others], first, likely, question.wants_number)
        holds = self._models.holds.probability(features)
        given = (*parts[:MOST_PARTS], *hits)
        # With many parts, one is always near; it must also contain the words that the title does not.
        if holds < MIN_HOLDS or features["whole beyond title"] < MIN_BEYOND_TITLE:
            return await self._closest(question, given, min(holds, MIN_HOLDS))
        return Selection(
            "answered", holds, given, (Chosen(1, await self._spans(first, question, likely, MOST_SENTENCES)),)
        )

    async def _are_on_subject(self, question: Question, excluded: Sequence[Hit], threshold: float) -> bool:
        """Check whether the papers that a question asks for others than are on its subject."""
        if not excluded:
            return False
        best = (await self._match(question, excluded[:1]))[0]
        features = gate_features(excluded, best, self._likely(best, question), question.wants_number)
        return self._models.subject.probability(features) >= threshold

    async def _closest(self, question: Question, hits: Sequence[Hit], holds: float) -> Selection:
        return Selection("closest", holds, tuple(hits), await self._quote(question, hits, CLOSEST_SENTENCES))

    async def _quote(self, question: Question, hits: Sequence[Hit], most: Sequence[int]) -> tuple[Chosen, ...]:
        """Choose sentences from the first hits; `most` is the maximum for each hit in turn."""
        matches = await self._match(question, hits[: len(most)])
        return tuple(
            [
                Chosen(number, await self._spans(matched, question, self._likely(matched, question), count))
                for number, (matched, count) in enumerate(zip(matches, most, strict=False), start=1)
            ]
        )

    async def _list(self, question: Question, hits: Sequence[Hit], ruled_out: Collection[Hit]) -> Selection:
        """Choose up to ten papers that stand out as wanted, each with its most telling sentence."""
        chances = self._models.listed.probabilities(listing_columns(hits))
        order = [int(index) for index in np.argsort(-chances, kind="stable") if hits[index] not in ruled_out]
        standing = [index for index in order[:MOST_LISTED] if chances[index] >= MIN_LISTED]
        # Papers in a third language are left for "more" if there are others.
        languages = await asyncio.to_thread(sentence_languages, [hits[index].paper.title for index in standing])
        read = [
            index for index, is_in in zip(standing, languages, strict=True) if is_in in {question.language, ENGLISH}
        ]
        standing = read or standing
        some = [hits[index] for index in standing or order[: len(CLOSEST_SENTENCES)]]
        chosen = await self._quote(question, some, [1] * len(some))
        outcome: Outcome = "answered" if standing else "closest"
        rest = tuple(hit for hit in hits if hit not in some)
        return Selection(outcome, float(chances[order[0]]), (*some, *rest), chosen)

    async def _compare(self, question: Question, hits: Sequence[Hit], meant: Sequence[Hit], holds: float) -> Selection:
        """Choose a paper for each side, and note the sides that the library has nothing on."""
        remarks: list[str] = []
        if len(meant) > 1:
            pair = list(meant[: max(2, len(question.sides))])
        elif question.sides:
            pair = []
            for side in question.sides:
                found, held = await self._find_side(side, hits, pair)
                if held:
                    pair.append(found)
                else:
                    remarks.append(say("The papers here have nothing on “{topic}”.", topic=side))
        else:
            pair = list(hits[:2])
        if not pair:
            return await self._closest(question, hits, 0.0)
        known = len(pair) > 1 and bool(question.sides or len(meant) > 1)
        # If nothing names the sides, one paper may cover both.
        chosen = await self._quote(question, pair, [2] * len(pair) if known else [3, 2])
        outcome: Outcome = "answered" if known or holds >= MIN_HOLDS else "closest"
        rest = tuple(hit for hit in hits if hit not in pair)
        return Selection(outcome, holds, (*pair, *rest), chosen, tuple(remarks))

    async def _find_side(self, side: str, hits: Sequence[Hit], taken: Sequence[Hit]) -> tuple[Hit, bool]:
        """Find the paper for one side of a comparison, and whether it covers that side."""
        vectors = await self._library.embed(side)
        found = await self._library.search(side, limit=COMPARED_HITS, vectors=vectors)
        ids = {hit.paper.paper_id for hit in taken}
        candidates = [hit for hit in found if hit.paper.paper_id not in ids]
        named = [hit for hit in candidates if named_by(hit.paper.title, side, found)]
        if named:
            return named[0], True
        near = [hit for hit in hits[:COMPARED_HITS] if hit.paper.paper_id not in ids]
        both = [hit for hit in near if hit.paper.paper_id in {candidate.paper.paper_id for candidate in candidates}]
        # No paper need contain every word of a long description, so the whole question decides; a name must match.
        if near and len(side.split()) > LONGEST_NAME:
            described = both or near
            agreements = await self._library.agreement(side, vectors, described)
            shares = [float(agreement.share(agreement.whole)) for agreement in agreements]
            return described[int(np.argmax(shares))], True
        likely = [*both, *(hit for hit in candidates if hit not in both)]
        for hit, agreement in zip(likely, await self._library.agreement(side, vectors, likely), strict=True):
            if float(agreement.share(agreement.whole)) >= MIN_SIDE_SHARE:
                return hit, True
        return hits[0], False

    async def _summarise(self, question: Question, hits: Sequence[Hit]) -> Selection:
        """Choose the most central sentence of each part of the abstract: problem, work, outcome."""
        matched = (await self._match(question, hits))[0]
        eligible = [
            index
            for index in await self._eligible(matched, question)
            if not holds_address(matched.sentences[index].text)
        ]
        vectors = [matched.sentences[index].vector for index in eligible]
        if not eligible or any(vector is None for vector in vectors):
            return Selection("answered", 1.0, tuple(hits), (Chosen(1, ()),))
        rows = np.stack([vector for vector in vectors if vector is not None])
        central = rows @ rows.mean(axis=0)
        parts = np.array_split(np.arange(len(eligible)), min(SUMMARY_SENTENCES, len(eligible)))
        best = [eligible[int(part[np.argmax(central[part])])] for part in parts]
        spans = tuple((matched.sentences[index].start, matched.sentences[index].end) for index in best)
        return Selection("answered", 1.0, tuple(hits), (Chosen(1, spans),))

    async def _find_about(self, topic: str, hits: Sequence[Hit]) -> list[Hit]:
        """Find the hits that are about a topic, unlike those that say that they do without it."""
        vectors = await self._library.embed(topic)
        agreements = await self._library.agreement(topic, vectors, hits)
        return [
            hit
            for hit, agreement in zip(hits, agreements, strict=True)
            if float(agreement.share(agreement.whole)) >= MIN_TOPIC_SHARE
            and not does_without(hit.paper.abstract, topic)
        ]

    async def _match(self, question: Question, hits: Sequence[Hit]) -> list[MatchedHit]:
        """Compare the sentences of hits with the question, word by word."""
        agreements = await self._library.agreement(question.text, question.vectors, hits)
        return [MatchedHit.of(hit, agreement) for hit, agreement in zip(hits, agreements, strict=True)]

    def _likely(self, matched: MatchedHit, question: Question) -> NDArray[np.float64]:
        """Compute how likely each sentence is the one that answers; the probabilities add up to 1."""
        return self._models.likely(sentence_columns(matched, question.wants_number))

    async def _spans(
        self, matched: MatchedHit, question: Question, likely: NDArray[np.float64], most: int
    ) -> tuple[tuple[int, int], ...]:
        """Choose sentences to quote: the best first, then more, in the paper's order, until they cover enough."""
        eligible = await self._eligible(matched, question)
        order = sorted(eligible, key=lambda index: -likely[index])
        if not order:
            return ()
        total = sum(likely[index] for index in order)
        needed = 1 + int(np.searchsorted(np.cumsum([likely[index] / total for index in order]), MIN_MASS))
        best, *others = order[: min(needed, most)]
        if addressed := [index for index in eligible if holds_address(matched.sentences[index].text)]:
            best, others = addressed[0], [index for index in (best, *others) if index != addressed[0]][: most - 1]
        elif question.kind is Kind.DEFINITION:
            best, others = _definition_first(matched, eligible, [best, *others])
        return tuple(
            (matched.sentences[index].start, matched.sentences[index].end) for index in (best, *sorted(others))
        )

    async def _eligible(self, matched: MatchedHit, question: Question) -> list[int]:
        """List the sentences that may be quoted, by index: in the asker's language, without unwanted addresses."""
        sentences = matched.sentences
        languages = await asyncio.to_thread(sentence_languages, [passage.text for passage in sentences])
        wanted = question.language if question.language in languages else ENGLISH
        positions = [index for index, language in enumerate(languages) if language == wanted] or list(
            range(len(sentences))
        )
        agreement = matched.agreement
        shares = agreement.share(agreement.sentences, agreement.beyond_title)
        # An address is wanted if no other sentence agrees more with what is asked about the paper.
        wanted_at = int(np.argmax(shares)) if shares.max(initial=0.0) >= MIN_ADDRESS_SHARE else None
        return [
            index for index in positions if index == wanted_at or not holds_address(sentences[index].text)
        ] or positions


def _definition_first(matched: MatchedHit, eligible: Sequence[int], chosen: Iterable[int]) -> tuple[int, list[int]]:
    """Put the first sentence about the term before those chosen: papers define a thing where they first name it."""
    shares = matched.agreement.share(matched.agreement.sentences)
    best = max(float(shares[index]) for index in eligible)
    first = next(index for index in eligible if shares[index] >= MIN_TERM_SHARE * best)
    return first, [index for index in chosen if index != first][: MOST_SENTENCES - 1]
