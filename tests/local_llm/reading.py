"""Read a prompt as a model would: find the question and the numbered papers, and answer with their sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_PAPER = re.compile(r'<paper number="(\d+)">\s*<title>(.*?)</title>\s*<abstract>(.*?)</abstract>\s*</paper>', re.DOTALL)
_QUESTION = re.compile(r"<question>\s*(.*?)\s*</question>", re.DOTALL)
_SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)|\S.+$", re.DOTALL)
_STOP_WORDS = frozenset(
    """
    a an and are as at be been by can did do does for from has have how in is it of on one or that the their there
    they this to was we were what when where which who whose why with anyone shown you your
    """.split()  # noqa: SIM905
)
_MOST_STATEMENTS = 3


@dataclass(frozen=True)
class GivenPaper:
    """A paper in the prompt."""

    number: int
    title: str
    abstract: str


@dataclass(frozen=True)
class Asked:
    """The content of a chat request."""

    messages: list[dict[str, Any]]
    question: str
    papers: tuple[GivenPaper, ...]
    response_format: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_messages(cls, messages: list[dict[str, Any]], response_format: dict[str, Any] | None = None) -> Asked:
        text = "\n".join(message["content"] for message in messages if message["role"] == "user")
        papers = tuple(GivenPaper(int(number), title, abstract) for number, title, abstract in _PAPER.findall(text))
        questions = _QUESTION.findall(text)
        return cls(messages, questions[-1] if questions else text, papers, response_format or {})


def answer(asked: Asked) -> dict[str, Any]:
    """Answer with the sentences that share most words with the question; words of a paper's title count half."""
    wanted = _words(asked.question)
    rated = []
    for paper in asked.papers:
        for sentence in (match[0] for match in _SENTENCE.finditer(paper.abstract)):
            shared = len(wanted & _words(sentence)) + 0.5 * len(wanted & _words(paper.title))
            rated.append((shared, -paper.number, " ".join(sentence.split()), sentence.strip()))
    rated.sort(key=lambda each: (each[0], each[1]), reverse=True)
    enough = max(2.0, 0.3 * len(wanted))
    best = [each for each in rated if each[0] >= enough and each[0] >= 0.7 * rated[0][0]][:_MOST_STATEMENTS]
    return {
        "sufficient": bool(best),
        "statements": [
            {"text": text, "supports": [{"paper": -number, "quote": quote}]} for _, number, text, quote in best
        ],
    }


def _words(text: str) -> set[str]:
    # The first letters serve as the stem.
    return {word[:6] for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _STOP_WORDS}
