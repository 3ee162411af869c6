"""Answers prepared in advance, for tests that are about Discord."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.answering.conversation import Exchange
from bot.language import current_language
from bot.llm.meter import Payer, payer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from bot.answering.answerer import Attached
    from bot.store import Store, StoredAnswer
    from tests.local_discord import Message

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
QUOTE = "The likelihood of one-step ahead predictions is not always correlated with control performance."
URL = "https://arxiv.org/abs/2002.04523"

GOOD = Answer(
    question="",
    standalone_question="",
    outcome="answered",
    writer="extractive",
    confidence=0.9,
    statements=(Statement(QUOTE, (1,)),),
    citations=(Citation(1, "arxiv:2002.04523", TITLE, URL, QUOTE),),
)
REFUSAL = Answer(
    question="",
    standalone_question="",
    outcome="refused",
    writer="extractive",
    confidence=0.1,
    refusal="The papers do not say.",
    nearest=(NearPaper("arxiv:2002.04523", TITLE, URL), NearPaper("a", "No address", None)),
)


STAGES = ("Looking through the papers …", "Writing …")


def done(message: Message) -> bool:
    """Tell whether the message has stopped saying that the answer is being written."""
    return not message.loading and not any(stage in message.text for stage in STAGES)


async def kept_as(store: Store, message: Message) -> StoredAnswer:
    """Wait until the bot has stored the answer that its message shows, a moment after it posts the message."""
    async with asyncio.timeout(10):
        while (kept := await store.answers.of_message(message.id)) is None:  # noqa: ASYNC110  # SQLite tells nobody
            await asyncio.sleep(0.01)
    return kept


@dataclass
class PreparedAnswers:
    """Give every question the same answer: at once or when released, whole or growing, or with an error.

    `growing` has the snapshots that come before the whole answer, which waits until `released` is set.
    """

    prepared: Answer = GOOD
    error: Exception | None = None
    growing: Sequence[Answer] = ()
    asked: list[str] = field(default_factory=list)
    documents: list[Attached | None] = field(default_factory=list)
    histories: list[list[str]] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    payers: list[Payer] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.released.set()
        self._asked_more = asyncio.Event()

    async def stream(
        self, question: str, history: Sequence[str | Exchange] = (), *, document: Attached | None = None
    ) -> AsyncGenerator[Answer, None]:
        self.asked.append(question)
        self.documents.append(document)
        self.histories.append([turn.question if isinstance(turn, Exchange) else turn for turn in history])
        self.languages.append(current_language())
        self.payers.append(payer())
        self._asked_more.set()
        for snapshot in self.growing:
            yield replace(snapshot, question=question)
        await self.released.wait()
        if self.error:
            raise self.error
        yield replace(self.prepared, question=question)

    async def were_asked(self, times: int = 1) -> None:
        """Wait until this many questions have come in total."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._asked_more.clear()
                await self._asked_more.wait()
