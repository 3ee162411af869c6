"""Answer, Statement and Citation: the result of a question, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # pydantic reads the types at run time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.answering.outcome import Outcome, WriterName  # noqa: TC001  # pydantic reads these too
from bot.language import say
from bot.llm import Usage  # noqa: TC001

if TYPE_CHECKING:
    from bot.answering.answer_json import AnswerJson, CitationJson


@dataclass(frozen=True, slots=True)
class Citation:
    """A paper, its title and a verbatim quote that a statement rests on.

    `number` counts papers from 1; two quotes from one paper make two citations with the same number. A quote from the
    full text has a `section` (its heading, which may be empty) and, if the text came from a PDF, a `page` counted from
    1. A quote from the abstract has neither.
    """

    number: int
    paper_id: str
    title: str
    url: str | None
    quote: str
    section: str | None = None
    page: int | None = None

    @property
    def location(self) -> str:
        """Name the section and page of the quote; empty if the quote is from the title or abstract."""
        if self.page is None:
            return say("“{section}”", section=self.section) if self.section else ""
        if not self.section:
            return say("page {page}", page=self.page)
        return say("“{section}”, page {page}", section=self.section, page=self.page)

    def to_json(self) -> CitationJson:
        """Convert to the JSON form; `section` and `page` are there only for quotes from a full text."""
        shown: CitationJson = {
            "number": self.number,
            "paper_id": self.paper_id,
            "title": self.title,
            "url": self.url,
            "quote": self.quote,
        }
        if self.section is not None:
            shown["section"] = self.section
        if self.page is not None:
            shown["page"] = self.page
        return shown


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer, with the numbers of the papers it cites (at least one) and its quotes from them."""

    text: str
    citations: tuple[int, ...]
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NearPaper:
    """A paper that a refusal names: close to the question, but not an answer to it."""

    paper_id: str
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole reply to a question: statements with citations, or a refusal.

    `confidence` is the calibrated probability (0..1) that the library holds the answer. `note` is one short line about
    how the answer was made, such as that the language model failed. `choices` are narrower questions that a broad one
    may have meant.
    """

    question: str
    standalone_question: str
    outcome: Outcome
    writer: WriterName
    confidence: float
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[NearPaper, ...] = ()
    refusal: str | None = None
    choices: tuple[str, ...] = ()
    note: str | None = None
    usage: Usage | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the library has nothing on the question."""
        return self.outcome == "refused"

    @property
    def lead(self) -> str | None:
        """The line to show above statements that may not answer the question, else None."""
        if self.outcome == "closest":
            return say("I am not sure that the papers answer this. The closest passages:")
        return None

    @property
    def text(self) -> str:
        """The answer as running text, each statement followed by its citation numbers."""
        if self.refused:
            return self.refusal or ""
        parts = (
            f"{statement.text} {''.join(f'[{number}]' for number in statement.citations)}"
            for statement in self.statements
        )
        return " ".join([*filter(None, [self.lead]), *parts])

    def to_json(self) -> AnswerJson:
        """Convert to the object that `ask --json` prints; its keys are a contract."""
        usage = self.usage
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "outcome": self.outcome,
            "refused": self.refused,
            "writer": self.writer,
            "confidence": round(self.confidence, 4),
            "statements": [
                {"text": s.text, "citations": list(s.citations), "quotes": list(s.quotes)} for s in self.statements
            ],
            "citations": [citation.to_json() for citation in self.citations],
            "nearest": [{"paper_id": n.paper_id, "title": n.title} for n in self.nearest],
            "choices": list(self.choices),
            "note": self.note,
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
            "usage": {}
            if usage is None
            else {
                "model": usage.model,
                "calls": usage.calls,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "estimated": usage.estimated,
            },
        }


@dataclass(frozen=True, slots=True)
class Support:
    """What a writer claims a draft rests on: the number of a paper (from 1) and a quote from it."""

    paper_number: int
    quote: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as a writer proposes it; nobody sees it until its supports have been checked."""

    text: str
    supports: tuple[Support, ...]
