"""Exchange, ContextualQuestion and DialogueState: earlier turns, the next question, and the conversation so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering.answer import Answer
    from bot.llm import Usage
    from retrieval import Hit, Paper


class Relation(StrEnum):
    """How a question relates to the conversation before it."""

    NEW = "new"  # it stands alone
    DETAIL = "detail"  # it asks about papers already mentioned
    OTHER = "other"  # it asks for other papers on the theme


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier turn: its question, the papers that its answer cited, and the choices that it offered.

    `papers` are in citation order. They are None if nobody stored them; they are then searched for again. After a
    refusal (not `answered`) they hold the nearest paper.
    """

    question: str
    papers: tuple[str, ...] | None = None
    answered: bool = True
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Exchange:
        """Make an exchange from an answer."""
        cited = [citation.paper_id for citation in answer.citations]
        papers = tuple(dict.fromkeys(cited)) or tuple(near.paper_id for near in answer.nearest[:1])
        return cls(answer.question, papers, not answer.refused, answer.choices)


@dataclass(frozen=True, slots=True)
class ContextualQuestion:
    """A question as it reads in its conversation.

    Attributes:
        question: as it was asked.
        standalone: the same question for somebody who has not followed the conversation.
        query: the text to search for and to give to the writers.
        relation: how it relates to the conversation before it.
        focus: ids of the papers that it asks about, likeliest first; empty unless it asks for a detail.
        exclude: ids of the papers that it wants others than.
        usage: of the language model that rewrote it, if any.
        found: hits for the query, best first, if they were found while the question was read.
    """

    question: str
    standalone: str
    query: str
    relation: Relation = Relation.NEW
    focus: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    usage: Usage | None = None
    found: tuple[Hit, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DialogueState:
    """The state of a conversation.

    Attributes:
        questions: those asked so far, oldest first.
        theme: the query that last set the subject.
        focus: the papers mentioned last, in that order.
        sure: whether they answered the question, or were only near it.
        seen: every paper mentioned since the subject was set, by id.
        listed: the papers of the last answer that cited several, in its order.
        choices: the follow-up questions that the last answer offered.
    """

    questions: tuple[str, ...] = ()
    theme: str = ""
    focus: tuple[Paper, ...] = ()
    sure: bool = False
    seen: Mapping[str, Paper] = field(default_factory=dict)
    listed: tuple[Paper, ...] = ()
    choices: tuple[str, ...] = ()

    def papers(self) -> dict[str, Paper]:
        """Collect every paper that a question may refer to, by id, the most recently mentioned first."""
        return {paper.paper_id: paper for paper in (*self.focus, *self.listed, *self.seen.values())}


class Rewriter(Protocol):
    """Read a question in its conversation with a language model."""

    async def rewrite(self, question: str, dialogue: DialogueState) -> tuple[ContextualQuestion | None, Usage | None]:
        """Rewrite the question in its context (None if the model gave nothing usable), with the usage; never raises."""
        ...


def detail(question: str, papers: Sequence[Paper], *, compared: bool = False) -> ContextualQuestion:
    """Make a question about these papers, likeliest first, or a comparison of the first two."""
    titles = [f"“{clean(paper.title)}”" for paper in papers]
    about = f"these two papers: {titles[0]} and {titles[1]}" if compared and len(papers) > 1 else f"in {titles[0]}"
    standalone = f"{question} ({about})"
    return ContextualQuestion(
        question, standalone, standalone, Relation.DETAIL, tuple(paper.paper_id for paper in papers)
    )


def other(question: str, theme: str, besides: Sequence[Paper], found: Sequence[Hit]) -> ContextualQuestion:
    """Make a question for papers on a theme other than these."""
    query = f"{theme} {question}"
    titles = ", ".join(f"“{clean(paper.title)}”" for paper in besides)
    standalone = f"{question} (besides {titles})" if besides else query
    exclude = frozenset(paper.paper_id for paper in besides)
    return ContextualQuestion(question, standalone, query, Relation.OTHER, exclude=exclude, found=tuple(found))
