"""A conversation: what it has come to, how the next question reads in it, and the hits for that question."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.answering.conversation.dialogue import Exchange, Relation, Rewriter, Spoken, Turn
from bot.answering.conversation.ordinals import picked
from bot.answering.conversation.reader import FollowUpReader
from bot.answering.evidence.assessor import Assessor
from bot.answering.reading.question import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.reading.question import Question
    from retrieval.library import Library
    from retrieval.papers import Hit
    from retrieval.query import QueryVectors

REMEMBERED: Final = 6  # earlier turns that a question may lean on
HITS: Final = 20  # that are weighed, as many as the models of evidence were fitted on


class Conversation:
    """Read questions in their conversation: with a language model where there is one, else by fitted evidence."""

    def __init__(
        self, library: Library, questions: Reader, assessor: Assessor, rewriter: Rewriter | None = None
    ) -> None:
        self._library = library
        self._questions = questions
        self._assessor = assessor
        self._rewriter = rewriter
        self._reader = FollowUpReader(library)

    @classmethod
    def over(cls, library: Library) -> Conversation:
        """Read conversations over a library without a language model."""
        return cls(library, Reader(library, lambda: dt.datetime.now(dt.UTC).date()), Assessor(library))

    async def read(self, question: str, spoken: Spoken, vectors: QueryVectors | None = None) -> Turn:
        """Say how a question reads after what was spoken of; `vectors` are its own, where it has been read already."""
        chosen = picked(question, spoken.choices)
        if chosen != question:
            return Turn(question, chosen, chosen)
        turn, usage = None, None
        if self._rewriter and spoken.questions:
            turn, usage = await self._rewriter.rewrite(question, spoken)
        return replace(turn or await self._reader.read(question, spoken, vectors), usage=usage)

    async def recall(self, history: Sequence[Exchange]) -> Spoken:
        """Say what the conversation has come to after these turns, oldest first."""
        spoken = Spoken()
        for exchange in history[-REMEMBERED:]:
            spoken = await self._after(exchange, spoken)
        return spoken

    async def search(
        self,
        turn: Turn,
        limit: int = HITS,
        *,
        question: Question | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
    ) -> list[Hit]:
        """Find the hits for a turn: the papers it asks first, those it asks for others than not at all.

        `question` is what its query was read as, where it has been read already.
        """
        question = question or await self._questions.read(turn.query, composed=turn.query != turn.question)
        same = question.asked == turn.query and not (since or until)  # or it was put into English
        # What was found for a new question while it was read in its conversation was found for all its sentences.
        same = same and (turn.relation is not Relation.NEW or question.text == turn.query)
        hits: Sequence[Hit] = turn.found if same else ()
        reach = limit + len(turn.exclude)
        if len(hits) < reach:
            again = await self._library.search(
                question.text, limit=reach, since=since, until=until, vectors=question.vectors
            )
            known = {hit.paper.paper_id for hit in hits}
            hits = [*hits, *(hit for hit in again if hit.paper.paper_id not in known)]
        if missing := set(turn.focus).difference(hit.paper.paper_id for hit in hits):
            hits = [*hits, *await self._library.judge(question.text, list(missing), question.vectors)]
        kept = [hit for hit in hits if hit.paper.paper_id not in turn.exclude]
        order = {paper_id: rank for rank, paper_id in enumerate(turn.focus)}
        return sorted(kept, key=lambda hit: order.get(hit.paper.paper_id, len(order)))[:limit]

    async def besides(self, turn: Turn, question: Question) -> list[Hit]:
        """Give the papers that a turn asks for others than, as hits of its query."""
        return await self._library.judge(question.text, list(turn.exclude), question.vectors)

    async def _after(self, exchange: Exchange, spoken: Spoken) -> Spoken:
        """Say what the conversation has come to after one more exchange."""
        asked = picked(exchange.question, spoken.choices)
        if exchange.papers is None:
            turn = await self._reader.read(asked, spoken)
            question = await self._questions.read(turn.query, composed=turn.query != asked)
            selection = await self._assessor.assess(
                question,
                await self.search(turn, question=question),
                focus=turn.focus,
                besides=await self.besides(turn, question),
            )
            if selection.outcome == "refused":  # small talk, say
                return replace(spoken, questions=(*spoken.questions, exchange.question))
            sure, papers = True, [selection.hits[chosen.number - 1].paper for chosen in selection.chosen]
            if selection.outcome == "closest":
                papers = papers[:1]
            relation, query = turn.relation, turn.query
        else:
            found = [await self._library.get(paper_id) for paper_id in exchange.papers]
            papers = [paper for paper in found if paper]
            sure = bool(papers) and exchange.answered
            relation = await self._reader.relation(asked, spoken, papers)
            query = f"{spoken.theme} {asked}" if relation is Relation.OTHER else asked
        stays = relation is not Relation.NEW
        focus = spoken.focus if stays and not (papers and sure) else tuple(papers)
        before = spoken.seen if stays else {}
        return Spoken(
            questions=(*spoken.questions, exchange.question),
            theme=spoken.theme if relation is Relation.DETAIL else query,
            focus=focus,
            sure=sure or (stays and spoken.sure),
            seen={**before, **{paper.paper_id: paper for paper in focus}},
            listed=focus if len(focus) > 1 else spoken.listed if stays else (),
            choices=exchange.choices,
        )
