"""Read a question in its conversation: which papers it is about, and how it reads for somebody who has not followed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from bot.answering.question import Kind, content_terms, read_question
from retrieval.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering.answer import Answer, Usage
    from retrieval.library import Library
    from retrieval.papers import Hit, Paper

REMEMBERED: Final = 6  # earlier turns that a question may lean on
REACH: Final = 50  # hits among which the papers spoken of are looked for
CITED: Final = 10  # hits that an answer may cite, where an earlier one has to be guessed again

# How much nearer (in cosine) than the papers spoken of another paper is to a question that has left them, and how
# many telling words only that one holds. Chosen on 32 dialogues over seeds/ and 84 changes of subject.
LEFT: Final = 0.15
NEARER: Final = 0.05
LEFT_WITHOUT_POINTER: Final = 0.24
FRESH: Final = 2
# Words: a question up to the first may be a mere "how many patients vs controls?", one beyond the second says itself
# what it is about, whatever it points to.
SHORT: Final = 7
LONG: Final = 12

POINTERS: Final = re.compile(
    r"\b(?:its|their|theirs|they|them|those|these|this|he|she|his|her|the same|the former|the latter)\b"
    r"|\b(?:that|the|which) (?:one|paper|work|study|article|thesis|survey|approach|method|technique|dataset|benchmark"
    r"|model|system|authors?)\b"
    r"|\b(?:is|was|are|were|did|do|does|of|to|with|than|about|like|for|on|in|tr(?:y|ied)|say|compare) (?:that|it)\b"
    r"|^(?:that|it)\b|\b(?:there|it|that)\W*$",
    re.IGNORECASE,
)
OPENERS: Final = re.compile(r"^\W*(?:and|but|or|so|ok(?:ay)?|also|what about|how about)\b", re.IGNORECASE)
# How a question begins that is only a part of one: "how many demos?", "on which tasks?".
FRAGMENTS: Final = re.compile(
    r"^\W*(?:how|which|why|when|where|on|in|with|for|by|name|any|can|does|is)\b", re.IGNORECASE
)
# "who else", "is there another paper": the theme stays, but the papers spoken of are no answer.
OTHERS: Final = re.compile(
    r"\b(?:who|any(?:one|body|thing)|some(?:one|body|thing)|what|which) else\b|\belse (?:here|is there|do you have)\b"
    r"|^\W*(?:(?:and|but|so|also|ok)\W+)?(?:(?:is|are) there |(?:any|some|which|what|show|find|give|got|have) )?"
    r"(?:me )?(?:(?:an|some|any|the) )?(?:another|others?)\b"
    r"|\b(?:another|other|similar|related|more) (?:\w+ )?(?:papers?|works?|stud(?:y|ies)|ones?|articles?)\b"
    r"|\bsomething (?:similar|like (?:it|that|this))\b|\bmore like (?:it|that|this)\b",
    re.IGNORECASE,
)
# "which other tasks did they try" asks the paper spoken of nevertheless.
ASKS_THEM: Final = re.compile(
    r"\b(?:do|did|does|have|has|are|were|is|was|can) (?:they|it|the (?:authors?|paper))\b", re.IGNORECASE
)
PLACES: Final = {
    "first": 0,
    "1st": 0,
    "former": 0,
    "second": 1,
    "2nd": 1,
    "latter": 1,
    "third": 2,
    "3rd": 2,
    "last": -1,
}
ORDINAL: Final = re.compile(
    r"\b(first|second|third|1st|2nd|3rd|last)(?= (?:one|paper|work|study|of (?:those|these|them))\b|\W*$)"
    r"|\bthe (former|latter)\b",
    re.IGNORECASE,
)
# "compare it with", "how do they differ": one side at least is spoken of already.
COMPARED: Final = re.compile(
    r"\b(?:compar\w+|between|than|with|to|from|vs\.?|versus|does|do|is|are)"
    r" (?:it|its|that|this|them|they|these|those|their)\b",
    re.IGNORECASE,
)
AGAINST: Final = re.compile(
    r"\b(?:compared?|differ(?:s|ent)?|versus|vs)\b.*?\b(?:with|to|from|and|against)\b(.+)", re.IGNORECASE
)
# Any paper may have these, so they do not tell which one is meant.
COMMON: Final = """
abstract accuracy approach author available baseline benchmark code compare data dataset environment evaluate
evaluation example experiment gain idea kind limitation method model name number participant people performance
problem propose result sample score similar size study system table task technique test train training version way work
"""


class Relation(StrEnum):
    """Say how a question stands to what was said before."""

    NEW = "new"  # it stands alone
    DETAIL = "detail"  # it asks something of the papers spoken of
    OTHER = "other"  # it asks for other papers on the theme


@dataclass(frozen=True, slots=True)
class Exchange:
    """Hold an earlier turn: its question, the papers that its answer cited, and the choices that it offered.

    `papers` is None where nobody kept them, and what was cited is then found out again; of a refusal, which is not
    `answered`, it holds the nearest paper.
    """

    question: str
    papers: tuple[str, ...] | None = None
    answered: bool = True
    choices: tuple[str, ...] = ()
    clarifying: bool = False

    @classmethod
    def of(cls, answer: Answer) -> Exchange:
        """Return what a conversation needs to remember of an answer."""
        cited = [citation.paper_id for citation in answer.citations]
        papers = tuple(dict.fromkeys(cited)) or tuple(near.paper_id for near in answer.nearest[:1])
        return cls(answer.question, papers, not answer.refused, answer.choices)


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold a question as it reads in its conversation.

    Attributes:
        question: as it was asked.
        standalone: the same for somebody who has not followed.
        query: what is searched for and handed to the writers.
        relation: how it stands to what was said before.
        focus: ids of the papers that it asks, the likeliest first; none unless it asks for a detail.
        exclude: ids of the papers that it asks for others than.
        usage: what a language model took to read it, if one was asked.
    """

    question: str
    standalone: str
    query: str
    relation: Relation = Relation.NEW
    focus: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """Hold what a conversation has come to.

    Attributes:
        questions: those asked so far, oldest first.
        theme: what was searched for when the subject was last set.
        focus: the papers last spoken of, the likeliest first.
        sure: whether these answered, or were only near.
        seen: every paper spoken of since the subject was set, by id.
        listed: the papers of the last answer that cited several.
        choices: what the last answer offered to ask.
        clarifying: whether the last answer was a question back.
    """

    questions: tuple[str, ...] = ()
    theme: str = ""
    focus: tuple[Paper, ...] = ()
    sure: bool = False
    seen: Mapping[str, Paper] = field(default_factory=dict)
    listed: tuple[Paper, ...] = ()
    choices: tuple[str, ...] = ()
    clarifying: bool = False


class Rewriter(Protocol):
    """Read a question in its conversation with a language model."""

    async def rewrite(self, question: str, spoken: Spoken) -> tuple[Turn | None, Usage | None]:
        """Return the turn, None where the model gave none that can be used, and what it took; never raises."""
        ...


class Conversation:
    """Read questions in their conversation: with a language model where there is one, else by rules and evidence."""

    def __init__(self, library: Library, rewriter: Rewriter | None = None) -> None:
        self._library = library
        self._rewriter = rewriter

    async def read(self, question: str, spoken: Spoken) -> Turn:
        """Return the question as it reads after what was spoken of."""
        chosen = picked(question, spoken.choices)
        if chosen != question:
            return Turn(question, chosen, chosen)
        turn, usage = None, None
        if self._rewriter and spoken.questions:
            turn, usage = await self._rewriter.rewrite(question, spoken)
        return replace(turn or await self._read_by_rules(question, spoken), usage=usage)

    async def recall(self, history: Sequence[Exchange]) -> Spoken:
        """Return what the conversation has come to after these turns, oldest first."""
        spoken = Spoken()
        for exchange in history[-REMEMBERED:]:
            if read_question(exchange.question).kind is not Kind.SMALL_TALK:
                spoken = await self._after(exchange, spoken)
        return spoken

    async def search(self, turn: Turn, limit: int, *, text=None, vectors=None, since=None, until=None) -> list[Hit]:
        """Return the hits for a turn: the papers it asks first, those it asks for others than not at all."""
        reach = max(limit, REACH) if turn.focus else limit + len(turn.exclude)
        hits = await self._library.search(text or turn.query, limit=reach, vectors=vectors)
        kept = [hit for hit in hits if hit.paper.paper_id not in turn.exclude]
        order = {paper_id: at for at, paper_id in enumerate(turn.focus)}
        return sorted(kept, key=lambda hit: order.get(hit.paper.paper_id, len(order)))[:limit]

    async def _read_by_rules(self, question: str, spoken: Spoken) -> Turn:
        if not spoken.focus:
            return Turn(question, question, question)
        if OTHERS.search(question) and not ASKS_THEM.search(question):
            return other(question, spoken)
        named = by_place(question, spoken)
        if read_question(question).kind is Kind.COMPARE and (named or COMPARED.search(question)):
            return await self._compare(question, named, spoken)
        if named:
            return detail(question, (named,))
        alone = await self._library.search(question, limit=REACH)
        if has_left(question, spoken.focus, alone):
            return Turn(question, question, question)
        # Papers that were only near have nothing to say about a detail; the theme is searched for once more.
        both = f"{spoken.theme} {question}"
        unsure = Turn(question, both, both, Relation.OTHER)
        return detail(question, _likeliest(question, spoken.focus, alone)) if spoken.sure else unsure

    async def _after(self, exchange: Exchange, spoken: Spoken) -> Spoken:
        """Return what the conversation has come to after one more exchange."""
        asked = picked(exchange.question, spoken.choices)
        turn = await self._read_by_rules(asked, spoken)
        if exchange.papers is None:
            hits = await self.search(turn, CITED)
            sure = bool(hits)
            papers = [hit.paper for hit in hits[:1]]
        else:
            found = [await self._library.get(paper_id) for paper_id in exchange.papers]
            papers = [paper for paper in found if paper]
            sure = bool(papers) and exchange.answered
        stays = turn.relation is not Relation.NEW
        focus = spoken.focus if stays and not (papers and sure) else tuple(papers)
        # A list is spoken of as a whole until one of it is asked about.
        rest = spoken.focus[1:] if turn.relation is Relation.DETAIL else ()
        before = {id_: paper for id_, paper in spoken.seen.items() if paper not in rest} if stays else {}
        return Spoken(
            questions=(*spoken.questions, exchange.question),
            theme=spoken.theme if turn.relation is Relation.DETAIL else turn.query,
            focus=focus,
            sure=sure or (stays and spoken.sure),
            seen={**before, **{paper.paper_id: paper for paper in focus}},
            listed=focus if len(focus) > 1 else spoken.listed if stays else (),
            choices=exchange.choices,
            clarifying=exchange.clarifying,
        )

    async def _compare(self, question: str, named: Paper | None, spoken: Spoken) -> Turn:
        """Return a comparison of a paper spoken of with another one, or with what its own abstract holds."""
        first = next((paper for paper in spoken.focus if paper != named), spoken.focus[0])
        if named:
            return detail(question, (first, named))
        if match := AGAINST.search(question):
            against = frozenset(content_terms(match[1]))
            if against and not against <= _terms(first):
                hits = await self._library.search(match[1], limit=2)
                best = next((hit.paper for hit in hits if hit.paper != first), None)
                if best and len(against & _terms(best)) > len(against & _terms(first)):
                    return detail(question, (first, best))
            return detail(question, (first,))
        return detail(question, spoken.focus[:2])


def picked(question: str, choices: Sequence[str]) -> str:
    """Return the choice that a reply such as "2", "the second one" or "b)" stands for, else the reply itself."""
    reply = question.strip().strip(".!?()[]#").casefold()
    word = reply.removeprefix("the ").removeprefix("number ").removesuffix(" one")
    at = int(word) - 1 if re.fullmatch(r"[1-9]", word) else PLACES.get(word)
    return choices[at] if at is not None and choices and at < len(choices) else question


def points(question: str) -> bool:
    """Say whether a question points back to something said before it."""
    return bool(POINTERS.search(question) or OPENERS.search(question))


def by_place(question: str, spoken: Spoken) -> Paper | None:
    """Return the paper that "the second one" stands for: of the last answer, or of all so far where that was one."""
    match = ORDINAL.search(question)
    listed = spoken.listed or tuple(spoken.seen.values())
    if match is None or len(listed) < 2:  # noqa: PLR2004 - of one paper nobody counts
        return None
    at = PLACES[(match[1] or match[2]).casefold()]
    return listed[at] if at < len(listed) else None


def has_left(question: str, focus: Sequence[Paper], alone: Sequence[Hit]) -> bool:
    """Say whether a question has left the papers spoken of for another subject.

    `alone` are its hits without any history: a question that another paper fits clearly better stands alone.
    """
    if not alone:
        return True
    words = len(question.split())
    pointing = points(question)
    asked = frozenset(content_terms(question))
    lists = read_question(question).kind is Kind.LIST and not asked <= common_terms()
    if not pointing and (words > SHORT or lists):
        return True
    spoken_of = {paper.paper_id for paper in focus}
    gap = alone[0].evidence.cosine - max(
        (hit.evidence.cosine for hit in alone if hit.paper.paper_id in spoken_of), default=0.0
    )
    held = frozenset(term for paper in focus for term in _terms(paper))
    fresh = (asked & _terms(alone[0].paper)) - held - common_terms()
    named = not fresh.isdisjoint(content_terms(alone[0].paper.title))
    if (named or len(fresh) >= FRESH) and (gap >= LEFT or words > LONG):
        return True
    if pointing:
        return words > LONG and gap >= NEARER
    return (bool(fresh) and gap >= LEFT_WITHOUT_POINTER) or (asked.isdisjoint(held) and not FRAGMENTS.search(question))


def detail(question: str, papers: Sequence[Paper]) -> Turn:
    """Return a question that is asked of these papers, the likeliest first."""
    titles = [f"“{clean(paper.title)}”" for paper in papers]
    about = f"in {titles[0]}"
    if read_question(question).kind is Kind.COMPARE and len(papers) > 1:
        about = f"these two papers: {titles[0]} and {titles[1]}"
    standalone = f"{question} ({about})"
    return Turn(question, standalone, standalone, Relation.DETAIL, tuple(paper.paper_id for paper in papers))


def other(question: str, spoken: Spoken) -> Turn:
    """Return a question for other papers on the theme than those seen."""
    asked = frozenset(content_terms(question)) - common_terms()
    query = f"{question} {spoken.theme}" if points(question) or not asked else question
    titles = ", ".join(f"“{clean(paper.title)}”" for paper in spoken.focus)
    return Turn(question, f"{question} (besides {titles})", query, Relation.OTHER, exclude=frozenset(spoken.seen))


def _likeliest(question: str, focus: Sequence[Paper], alone: Sequence[Hit]) -> tuple[Paper, ...]:
    """Return the papers spoken of in the order in which they fit the question, if that tells them apart."""
    if common_terms().issuperset(content_terms(question)):
        return tuple(focus)
    rank = {hit.paper.paper_id: at for at, hit in enumerate(alone)}
    return tuple(sorted(focus, key=lambda paper: rank.get(paper.paper_id, len(rank))))


def _terms(paper: Paper) -> frozenset[str]:
    return frozenset(content_terms(f"{paper.title} {paper.abstract}"))


@cache
def common_terms() -> frozenset[str]:
    """Return the stemmed words that do not tell one paper from another."""
    return frozenset(content_terms(COMMON))
