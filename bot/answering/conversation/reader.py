"""Read a follow-up question: the papers it may be about, their probabilities, and the question to search for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bot.answering.conversation.candidates import Candidates
from bot.answering.conversation.dialogue import ContextualQuestion, DialogueState, Relation, detail, other
from bot.answering.conversation.ordinals import positions
from bot.answering.conversation.utterance import UtteranceScores, read_utterance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval import Hit, Library, Paper, QueryVectors

REACH: Final = 50  # hits per search
CONSIDERED: Final = 20  # of these hits, papers that a follow-up may be about
LIKELY: Final = 0.5  # probability from which a score counts as true
SURELY: Final = 0.9  # probability from which a score overrules a paper that the words alone lead to
BESIDES: Final = 0.7  # probability from which a request for others drops the paper that fits best
SHARE: Final = 0.2  # of the likeliest paper's probability; other mentioned papers above it are asked about too
NAMED: Final = 0.15  # excess share of a comparison's words in another paper, from which it names that one


class FollowUpReader:
    """Read follow-ups with models fitted on utterances and on dialogues."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def read(
        self, question: str, dialogue: DialogueState, vectors: QueryVectors | None = None
    ) -> ContextualQuestion:
        """Put a question into its conversation; `vectors` are those of the bare question, if they are known."""
        if not dialogue.focus or not question.strip():
            return ContextualQuestion(question, question, question)
        vectors = vectors or await self._library.embed(question)
        scores = self._utterance(question, vectors)
        alone, themed, candidates = await self.candidates(question, dialogue, vectors)
        likely = await asyncio.to_thread(candidates.weigh, question, dialogue, scores, self._library.embedder.model)
        return _turn(question, dialogue, scores, likely, candidates, alone, themed)

    async def relation(self, question: str, dialogue: DialogueState, papers: Sequence[Paper]) -> Relation:
        """Classify how a question relates to what came before it, given the papers that answered it."""
        if not dialogue.focus:
            return Relation.NEW
        if papers and all(paper.paper_id in dialogue.seen for paper in papers):
            return Relation.DETAIL
        scores = self._utterance(question, await self._library.embed(question))
        leans = max(scores.leans, scores.others, scores.corrects) >= LIKELY
        return Relation.OTHER if leans else Relation.NEW

    async def candidates(
        self, question: str, dialogue: DialogueState, vectors: QueryVectors
    ) -> tuple[list[Hit], list[Hit], Candidates]:
        """Find the papers a question may be about: its own hits, the hits of theme and question, and all candidates."""
        both = f"{dialogue.theme} {question}"
        both_vectors = await self._library.embed(both)
        alone, themed = await asyncio.gather(
            self._library.search(question, limit=REACH, vectors=vectors),
            self._library.search(both, limit=REACH, vectors=both_vectors),
        )
        near = [hit.paper.paper_id for hits in (alone, themed) for hit in hits[:CONSIDERED]]
        ids = list(dict.fromkeys([*dialogue.papers(), *near]))
        by_alone, by_themed = await asyncio.gather(
            self._complete(question, ids, alone, vectors), self._complete(both, ids, themed, both_vectors)
        )
        known = [id_ for id_ in ids if id_ in by_alone and id_ in by_themed]
        return (
            alone,
            themed,
            Candidates({id_: by_alone[id_] for id_ in known}, {id_: by_themed[id_] for id_ in known}),
        )

    async def _complete(
        self, query: str, ids: Sequence[str], hits: Sequence[Hit], vectors: QueryVectors
    ) -> dict[str, Hit]:
        """Map all hits by paper id, and score the given papers that the search did not reach."""
        found = {hit.paper.paper_id: hit for hit in hits}
        missing = await self._library.hits_for(query, [id_ for id_ in ids if id_ not in found], vectors)
        return found | {hit.paper.paper_id: hit for hit in missing}

    def _utterance(self, question: str, vectors: QueryVectors) -> UtteranceScores:
        return read_utterance(question, vectors.vector, self._library.embedder.model)


def _turn(
    question: str,
    dialogue: DialogueState,
    scores: UtteranceScores,
    likely: Mapping[str, float],
    candidates: Candidates,
    alone: Sequence[Hit],
    themed: Sequence[Hit],
) -> ContextualQuestion:
    """Choose what to search for and which papers to ask about, from the utterance scores and paper probabilities."""
    new = ContextualQuestion(question, question, question, found=tuple(alone))
    papers = {id_: paper for id_, paper in dialogue.papers().items() if id_ in likely}
    best = next(iter(likely), None)
    if best is None or not papers:
        return new
    leans = max(scores.leans, scores.others, scores.corrects) >= LIKELY
    if scores.compares >= LIKELY and leans and scores.corrects < LIKELY:
        return _comparison(question, dialogue, scores, likely, candidates)
    if not leans:
        return new
    # A question that finds its paper alone needs no context, unless it surely refers to a list or asks for others.
    alone_leads = best == alone[0].paper.paper_id and max(scores.others, scores.corrects) < BESIDES
    surely = scores.leans >= SURELY and len(dialogue.focus) > 1
    if alone_leads and best not in papers and not surely:
        return new
    if surely and max(scores.others, scores.corrects) < LIKELY:  # "which of these …" means one of these
        best = next(id_ for id_ in likely if id_ in papers)
    # Papers that were only near cannot answer a detail; the theme is searched again.
    others = scores.others >= BESIDES and best in {paper.paper_id for paper in dialogue.focus}
    rest = others and scores.rest >= LIKELY and len(dialogue.focus) > 1  # "the other one" of those just named
    if best in papers and dialogue.sure and (rest or not others):
        spoken_of = [papers[id_] for id_ in likely if id_ in papers and likely[id_] >= SHARE * likely[best]]
        return detail(question, dialogue.focus[1:] if rest else spoken_of)
    # A correction drops the papers of the last answer; asking for others drops every paper mentioned.
    besides = list(papers.values()) if scores.others >= LIKELY else []
    besides = list(dialogue.focus) if scores.corrects >= LIKELY else besides
    order = {id_: rank for rank, id_ in enumerate(likely)}
    found = sorted(themed, key=lambda hit: order.get(hit.paper.paper_id, len(order)))
    return other(question, dialogue.theme, besides, found)


def _comparison(
    question: str, dialogue: DialogueState, scores: UtteranceScores, likely: Mapping[str, float], candidates: Candidates
) -> ContextualQuestion:
    """Compare a mentioned paper with another: one given by position, by name, or the next one mentioned."""
    counted = dialogue.listed or tuple(dialogue.seen.values())
    named = [counted[index] for index in positions(question, len(counted))]
    if len(named) > 1:
        return detail(question, named[:2], compared=True)
    first = next((paper for paper in dialogue.focus if paper not in named), dialogue.focus[0])
    rest = named or [paper for paper in dialogue.focus if paper != first]
    if not rest and scores.others >= LIKELY:
        rest = [paper for paper in counted if paper != first]
    if not rest:
        words = {id_: hit.evidence.words for id_, hit in candidates.alone.items() if id_ in likely}
        nearest = max(words, key=words.__getitem__)
        if words[nearest] > words.get(first.paper_id, 1.0) + NAMED:
            rest = [candidates.alone[nearest].paper]
    return detail(question, [first, *rest[:1]], compared=bool(rest))
