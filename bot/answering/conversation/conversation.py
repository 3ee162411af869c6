"""A conversation: its state, the next question in its context, and the hits for that question."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.answering.assessor import Assessor
from bot.answering.conversation.dialogue import ContextualQuestion, DialogueState, Exchange, Relation, Rewriter
from bot.answering.conversation.ordinals import picked
from bot.answering.conversation.reader import FollowUpReader
from bot.answering.reading.question import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.reading.question import Question
    from retrieval import Hit, Library, QueryVectors

REMEMBERED: Final = 6  # earlier turns that a question may refer to
HITS: Final = 20  # how many are weighed: as many as the evidence models were fitted on


class Conversation:
    """Read questions in their conversation, with a language model if there is one, else with fitted models."""

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
        """Make a conversation over a library without a language model."""
        return cls(library, Reader(library, lambda: dt.datetime.now(dt.UTC).date()), Assessor(library))

    async def read(
        self, question: str, dialogue: DialogueState, vectors: QueryVectors | None = None
    ) -> ContextualQuestion:
        """Put a question into its conversation; `vectors` are those of the bare question, if it was embedded before."""
        chosen = picked(question, dialogue.choices)
        if chosen != question:
            return ContextualQuestion(question, chosen, chosen)
        contextual, usage = None, None
        if self._rewriter and dialogue.questions:
            contextual, usage = await self._rewriter.rewrite(question, dialogue)
        return replace(contextual or await self._reader.read(question, dialogue, vectors), usage=usage)

    async def recall(self, history: Sequence[Exchange]) -> DialogueState:
        """Compute the state of the conversation after these turns, oldest first."""
        dialogue = DialogueState()
        for exchange in history[-REMEMBERED:]:
            dialogue = await self._after(exchange, dialogue)
        return dialogue

    async def search(
        self,
        contextual: ContextualQuestion,
        limit: int = HITS,
        *,
        question: Question | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
    ) -> list[Hit]:
        """Find the hits for a contextual question, with the papers in its focus first and the excluded ones left out.

        `question` is its query as a Question, if that was read before.
        """
        question = question or await self._questions.read(
            contextual.query, composed=contextual.query != contextual.question
        )
        same = question.asked == contextual.query and not (since or until)  # else the question was translated
        # The hits found while a new question was put into its conversation are for all of its sentences.
        same = same and (contextual.relation is not Relation.NEW or question.text == contextual.query)
        hits: Sequence[Hit] = contextual.found if same else ()
        reach = limit + len(contextual.exclude)
        if len(hits) < reach:
            again = await self._library.search(
                question.text, limit=reach, since=since, until=until, vectors=question.vectors
            )
            known = {hit.paper.paper_id for hit in hits}
            hits = [*hits, *(hit for hit in again if hit.paper.paper_id not in known)]
        if missing := set(contextual.focus).difference(hit.paper.paper_id for hit in hits):
            hits = [*hits, *await self._library.hits_for(question.text, list(missing), question.vectors)]
        remaining = [hit for hit in hits if hit.paper.paper_id not in contextual.exclude]
        order = {paper_id: rank for rank, paper_id in enumerate(contextual.focus)}
        return sorted(remaining, key=lambda hit: order.get(hit.paper.paper_id, len(order)))[:limit]

    async def excluded_hits(self, contextual: ContextualQuestion, question: Question) -> list[Hit]:
        """Fetch the papers that the question excludes, as hits for its query."""
        return await self._library.hits_for(question.text, list(contextual.exclude), question.vectors)

    async def _after(self, exchange: Exchange, dialogue: DialogueState) -> DialogueState:
        """Compute the state of the conversation after one more exchange."""
        asked = picked(exchange.question, dialogue.choices)
        if exchange.papers is None:
            contextual = await self._reader.read(asked, dialogue)
            question = await self._questions.read(contextual.query, composed=contextual.query != asked)
            selection = await self._assessor.assess(
                question,
                await self.search(contextual, question=question),
                focus=contextual.focus,
                excluded=await self.excluded_hits(contextual, question),
            )
            if selection.outcome == "refused":  # such as small talk
                return replace(dialogue, questions=(*dialogue.questions, exchange.question))
            sure, papers = True, [selection.hits[chosen.number - 1].paper for chosen in selection.chosen]
            if selection.outcome == "closest":
                papers = papers[:1]
            relation, query = contextual.relation, contextual.query
        else:
            found = [await self._library.get(paper_id) for paper_id in exchange.papers]
            papers = [paper for paper in found if paper]
            sure = bool(papers) and exchange.answered
            relation = await self._reader.relation(asked, dialogue, papers)
            query = f"{dialogue.theme} {asked}" if relation is Relation.OTHER else asked
        stays = relation is not Relation.NEW
        focus = dialogue.focus if stays and not (papers and sure) else tuple(papers)
        before = dialogue.seen if stays else {}
        return DialogueState(
            questions=(*dialogue.questions, exchange.question),
            theme=dialogue.theme if relation is Relation.DETAIL else query,
            focus=focus,
            sure=sure or (stays and dialogue.sure),
            seen={**before, **{paper.paper_id: paper for paper in focus}},
            listed=focus if len(focus) > 1 else dialogue.listed if stays else (),
            choices=exchange.choices,
        )
