"""Answers made beforehand, for tests that are about Discord."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from bot.answering.answer import Answer, Citation, NearPaper, Statement

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
QUOTE = "The likelihood of one-step ahead predictions is not always correlated with control performance."
URL = "https://arxiv.org/abs/2002.04523"

GOOD = Answer(
    question="",
    standalone_question="",
    refused=False,
    writer="extractive",
    confidence=0.9,
    statements=(Statement(QUOTE, (1,)),),
    citations=(Citation(1, "arxiv:2002.04523", TITLE, URL, QUOTE),),
)
REFUSAL = Answer(
    question="",
    standalone_question="",
    refused=True,
    writer="extractive",
    confidence=0.1,
    refusal="The papers do not say.",
    nearest=(NearPaper("arxiv:2002.04523", TITLE, URL), NearPaper("a", "No address", None)),
)


@dataclass
class PreparedAnswers:
    """Answer every question alike: at once, or when released, or with an error."""

    prepared: Answer = GOOD
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.released.set()
        self._asked_more = asyncio.Event()

    async def answer(self, question: str) -> Answer:
        self.asked.append(question)
        self._asked_more.set()
        await self.released.wait()
        if self.error:
            raise self.error
        return replace(self.prepared, question=question)

    async def were_asked(self) -> None:
        """Wait for a question that nobody waited for yet."""
        async with asyncio.timeout(10):
            await self._asked_more.wait()
        self._asked_more.clear()
