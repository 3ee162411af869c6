"""A conversation: what it has come to, how the next question reads in it, and the hits for that question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.answering.confidence import THRESHOLD, confidence
from bot.answering.conversation.places import picked
from bot.answering.conversation.reader import REACH, Reader
from bot.answering.conversation.turns import Exchange, Relation, Rewriter, Spoken, Turn
from bot.answering.extractive import choose_papers
from bot.answering.question import Kind, read_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library
    from retrieval.papers import Hit, Paper

REMEMBERED: Final = 6  # earlier turns that a question may lean on
CITED: Final = 10  # hits that an answer may cite, where an earlier one has to be guessed again


class Conversation:
    """Read questions in their conversation: with a language model where there is one, else by fitted evidence."""

    def __init__(self, library: Library, rewriter: Rewriter | None = None) -> None:
        self._library = library
        self._rewriter = rewriter
        self._reader = Reader(library)

    async def read(self, question: str, spoken: Spoken) -> Turn:
        """Say how a question reads after what was spoken of."""
        chosen = picked(question, spoken.choices)
        if chosen != question:
            return Turn(question, chosen, chosen)
        turn, usage = None, None
        if self._rewriter and spoken.questions:
            turn, usage = await self._rewriter.rewrite(question, spoken)
        return replace(turn or await self._reader.read(question, spoken), usage=usage)

    async def recall(self, history: Sequence[Exchange]) -> Spoken:
        """Say what the conversation has come to after these turns, oldest first."""
        spoken = Spoken()
        for exchange in history[-REMEMBERED:]:
            if not _is_small_talk(exchange.question):
                spoken = await self._after(exchange, spoken)
        return spoken

    async def search(self, turn: Turn, limit: int) -> list[Hit]:
        """Find the hits for a turn: the papers it asks first, those it asks for others than not at all."""
        hits: Sequence[Hit] = turn.found
        if len(hits) < limit + len(turn.exclude):
            reach = max(limit, REACH) if turn.focus else limit + len(turn.exclude)
            again = await self._library.search(turn.query, limit=reach)
            known = {hit.paper.paper_id for hit in hits}
            hits = [*hits, *(hit for hit in again if hit.paper.paper_id not in known)]
        if missing := set(turn.focus).difference(hit.paper.paper_id for hit in hits):
            vectors = await self._library.embed(turn.query)
            hits = [*hits, *await self._library.judge(turn.query, list(missing), vectors)]
        kept = [hit for hit in hits if hit.paper.paper_id not in turn.exclude]
        order = {paper_id: at for at, paper_id in enumerate(turn.focus)}
        return sorted(kept, key=lambda hit: order.get(hit.paper.paper_id, len(order)))[:limit]

    async def _after(self, exchange: Exchange, spoken: Spoken) -> Spoken:
        """Say what the conversation has come to after one more exchange."""
        asked = picked(exchange.question, spoken.choices)
        if exchange.papers is None:
            turn = await self._reader.read(asked, spoken)
            sure, papers = _cited(turn, await self.search(turn, CITED), self._library.embedder.model)
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
            clarifying=exchange.clarifying,
        )


def _is_small_talk(question: str) -> bool:
    return read_question(question).kind is Kind.SMALL_TALK


def _cited(turn: Turn, hits: Sequence[Hit], model: str) -> tuple[bool, list[Paper]]:
    """Guess again whether a turn that nobody kept was answered, and from which papers."""
    sure = confidence(turn.query, hits, model) >= THRESHOLD
    at = choose_papers(read_question(turn.query), hits) if sure else range(min(1, len(hits)))
    return sure, [hits[place].paper for place in at][: len(turn.focus) or None]
