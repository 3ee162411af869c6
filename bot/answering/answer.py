"""Answer, Statement and Citation: what a question comes back as, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from retrieval.papers import Hit

WriterName: TypeAlias = Literal["extractive", "llm"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Hold a paper, its title and the verbatim quote that a statement rests on; `number` counts from 1."""

    number: int
    paper_id: str
    title: str
    url: str | None
    quote: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold one sentence of an answer and the numbers of the citations that it rests on (never none)."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NearPaper:
    """Hold a paper named by a refusal: near the question, but not its answer."""

    paper_id: str
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Hold what the language model was asked for, in its own tokens; `estimated` where it reported none."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Return what both took together."""
        return Usage(
            other.model,
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold the whole reply to a question: statements with citations, or a refusal with the nearest papers.

    `confidence` is the calibrated probability (0..1) that the library holds the answer; `note` is one short
    line about how the answer came to be (that the language model failed, say), or None. `choices` are questions
    that a refusal offers instead; with `clarifying`, the refusal is a question back and these are its answers.
    """

    question: str
    standalone_question: str
    refused: bool
    writer: WriterName
    confidence: float
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[NearPaper, ...] = ()
    refusal: str | None = None
    choices: tuple[str, ...] = ()
    clarifying: bool = False
    note: str | None = None
    usage: Usage | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the answer as running text, each statement followed by its citation numbers."""
        if self.refused:
            return self.refusal or ""
        return " ".join(
            f"{statement.text} {''.join(f'[{number}]' for number in statement.citations)}"
            for statement in self.statements
        )

    def to_json(self) -> dict[str, object]:
        """Return the object that `ask --json` prints; its keys are a contract."""
        usage = self.usage
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "refused": self.refused,
            "writer": self.writer,
            "confidence": round(self.confidence, 4),
            "statements": [{"text": s.text, "citations": list(s.citations)} for s in self.statements],
            "citations": [
                {"number": c.number, "paper_id": c.paper_id, "title": c.title, "url": c.url, "quote": c.quote}
                for c in self.citations
            ],
            "nearest": [{"paper_id": n.paper_id, "title": n.title} for n in self.nearest],
            "choices": list(self.choices),
            "clarifying": self.clarifying,
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
    """Hold what a writer claims a draft rests on: the number of a given paper (from 1) and a quote from it."""

    paper_number: int
    quote: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold a sentence as a writer proposes it; nobody sees it before its supports are checked."""

    text: str
    supports: tuple[Support, ...]


class AnswerWriter(Protocol):
    """Write drafts from the papers given; yielding none says that the papers do not suffice."""

    name: WriterName

    def write(self, question: str, hits: Sequence[Hit]) -> AsyncGenerator[Draft | Usage]:
        """Yield drafts one by one, as they come, and the usage once it is known.

        Paper numbers count `hits` from 1. Raises WriterError where the writer itself failed.
        """
        ...
