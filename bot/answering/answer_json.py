"""The JSON of an answer, as `footnote ask --json` prints it; docs/schemas/ask.json is made of it."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from bot.answering.outcome import Outcome, WriterName  # noqa: TC001  # what makes the schema reads it at run time


class StatementJson(TypedDict):
    """A sentence of the answer, the numbers of the citations that it rests on, and what it quotes of them."""

    text: str
    citations: list[int]
    quotes: list[str]


class CitationJson(TypedDict):
    """A paper and a verbatim quote of it; a paper quoted twice has two citations of one number.

    `section` and `page` are there for quotes from a full text alone.
    """

    number: int
    paper_id: str
    title: str
    url: str | None
    quote: str
    section: NotRequired[str]
    page: NotRequired[int]


class NearPaperJson(TypedDict):
    """A paper that is near the question, but not its answer."""

    paper_id: str
    title: str


class UsageJson(TypedDict, total=False):
    """What the language model took; empty where none was asked."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    estimated: bool


class AnswerJson(TypedDict):
    """An answer to a question, or a refusal; later versions may add keys, and take none away.

    `confidence` is the probability, from 0 to 1, that the library holds the answer; `standalone_question` is the
    question as it was searched for; `choices` are narrower questions that a broad one may have meant; `note` is one
    line about how the answer came to be.
    """

    question: str
    standalone_question: str
    answer: str
    outcome: Outcome
    refused: bool
    writer: WriterName
    confidence: float
    statements: list[StatementJson]
    citations: list[CitationJson]
    nearest: list[NearPaperJson]
    choices: list[str]
    note: str | None
    timings_ms: dict[str, float]
    usage: UsageJson
