"""Exchange, ContextualQuestion and DialogueState: earlier turns, the next question, and what a talk has come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from retrieval.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering.answer import Answer
    from bot.llm import Usage
    from retrieval import Hit, Paper


class Relation(StrEnum):
    """Say how a question stands to what was said before."""

    NEW = "new"  # it stands alone
    DETAIL = "detail"  # it asks something of the papers spoken of
    OTHER = "other"  # it asks for other papers on the theme


@dataclass(frozen=True, slots=True)
class Exchange:
    """Hold an earlier turn: its question, the papers that its answer cited, and the choices that it offered.

    `papers` are in the order in which they were cited. They are None where nobody kept them, and what was cited is
    then found out again; of a refusal, which is not `answered`, they hold the nearest paper.
    """

    question: str
    papers: tuple[str, ...] | None = None
    answered: bool = True
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Exchange:
        """Keep what a conversation needs to remember of an answer."""
        cited = [citation.paper_id for citation in answer.citations]
        papers = tuple(dict.fromkeys(cited)) or tuple(near.paper_id for near in answer.nearest[:1])
        return cls(answer.question, papers, not answer.refused, answer.choices)


@dataclass(frozen=True, slots=True)
class ContextualQuestion:
    """Hold a question as it reads in its conversation.

    Attributes:
        question: as it was asked.
        standalone: the same for somebody who has not followed.
        query: what is searched for and handed to the writers.
        relation: how it stands to what was said before.
        focus: ids of the papers that it asks, the likeliest first; none unless it asks for a detail.
        exclude: ids of the papers that it asks for others than.
        usage: what a language model took to read it, if one was asked.
        found: hits for the query in the order in which they fit, where reading the question has found them already.
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
    """Hold what a conversation has come to.

    Attributes:
        questions: those asked so far, oldest first.
        theme: what was searched for when the subject was last set.
        focus: the papers last spoken of, in the order in which they were named.
        sure: whether these answered, or were only near.
        seen: every paper spoken of since the subject was set, by id.
        listed: the papers of the last answer that cited several, in its order.
        choices: what the last answer offered to ask.
    """

    questions: tuple[str, ...] = ()
    theme: str = ""
    focus: tuple[Paper, ...] = ()
    sure: bool = False
    seen: Mapping[str, Paper] = field(default_factory=dict)
    listed: tuple[Paper, ...] = ()
    choices: tuple[str, ...] = ()

    def papers(self) -> dict[str, Paper]:
        """Return every paper that a question may reach back to, by id, those last spoken of first."""
        return {paper.paper_id: paper for paper in (*self.focus, *self.listed, *self.seen.values())}


class Rewriter(Protocol):
    """Read a question in its conversation with a language model."""

    async def rewrite(self, question: str, dialogue: DialogueState) -> tuple[ContextualQuestion | None, Usage | None]:
        """Return the question in its context, None where the model gave none, and what it took; never raises."""
        ...


def detail(question: str, papers: Sequence[Paper], *, compared: bool = False) -> ContextualQuestion:
    """Ask a question of these papers, the likeliest first, or compare the first two."""
    titles = [f"“{clean(paper.title)}”" for paper in papers]
    about = f"these two papers: {titles[0]} and {titles[1]}" if compared and len(papers) > 1 else f"in {titles[0]}"
    standalone = f"{question} ({about})"
    return ContextualQuestion(
        question, standalone, standalone, Relation.DETAIL, tuple(paper.paper_id for paper in papers)
    )


def other(question: str, theme: str, besides: Sequence[Paper], found: Sequence[Hit]) -> ContextualQuestion:
    """Ask for papers on a theme besides these."""
    query = f"{theme} {question}"
    titles = ", ".join(f"“{clean(paper.title)}”" for paper in besides)
    standalone = f"{question} (besides {titles})" if besides else query
    exclude = frozenset(paper.paper_id for paper in besides)
    return ContextualQuestion(question, standalone, query, Relation.OTHER, exclude=exclude, found=tuple(found))
