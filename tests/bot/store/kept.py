"""Answers to store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.llm.usage import Usage
from bot.store import StoredAnswer

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
ANA = 2**61 + 1  # Discord's ids need up to 64 bits
BEN = 2**61 + 11
SERVER = 2**61 + 100
CHANNEL = 2**61 + 200


def answer(question: str = "What is LoRA?", *papers: str) -> Answer:
    cited = papers or ("arxiv:2106.09685",)
    return Answer(
        question=question,
        standalone_question=f"{question} (alone)",
        outcome="answered",
        writer="llm",
        confidence=0.123456789,
        statements=(Statement("It freezes the weights \0 — “and” 🧊.", tuple(range(1, len(cited) + 1))),),
        citations=tuple(
            Citation(number, paper, f"Title of {paper}", None, "freezes the weights")
            for number, paper in enumerate(cited, 1)
        ),
        nearest=(NearPaper("arxiv:1", "Near", "https://arxiv.org/abs/1"),),
        choices=("One?", "Two?"),
        note="The language model failed.",
        usage=Usage("gpt", 2, 300, 40, estimated=True),
        timings_ms={"search": 1.23456},
    )


def kept(
    answer_id: str,
    *papers: str,
    asker: int = ANA,
    channel: int = CHANNEL,
    guild: int | None = SERVER,
    question: int | None = None,
    parent: str | None = None,
    private: bool = False,
    minutes: float = 0,
) -> StoredAnswer:
    """Make an answer to a question that was asked `minutes` after NOW."""
    return StoredAnswer(
        answer_id=answer_id.ljust(16, "_"),
        answer=answer(f"What about {answer_id}?", *papers),
        asker_id=asker,
        channel_id=channel,
        guild_id=guild,
        question_message_id=question,
        parent_id=parent and parent.ljust(16, "_"),
        private=private,
        asked_at=NOW + timedelta(minutes=minutes),
    )
