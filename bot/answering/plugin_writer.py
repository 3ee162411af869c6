"""A writer from another package, treated like a language model: its drafts pass the same checks."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from bot import metrics
from bot.errors import WriterError
from bot.language import say
from bot.llm import Spent, Usage, trouble
from bot.llm.meter import payer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.answering.answer import Draft
    from bot.answering.evidence.selection import Selection
    from bot.answering.outcome import WriterName
    from bot.answering.writer import AnswerWriter
    from bot.llm import Meter

log = logging.getLogger(__name__)


class PluginWriter:
    """Write with a plugin; if it fails, the papers' own sentences answer, as with any language model."""

    name: WriterName = "llm"

    def __init__(self, plugin: str, writer: AnswerWriter, meter: Meter | None = None) -> None:
        self._plugin = plugin
        self._writer = writer
        self._meter = meter

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:
        """Yield the plugin's drafts and count the tokens it reports.

        Any error it raises becomes a WriterError, and so does a budget that is used up.
        """
        if self._meter and (budget_used := await self._meter.exhausted_budget(payer())):
            raise trouble.over_budget(budget_used)
        try:
            async with aclosing(self._writer.write(question, selection)) as drafts:
                async for draft in drafts:
                    if isinstance(draft, Usage):
                        await self._count(draft)
                    yield draft
        except WriterError:
            raise
        except Exception as error:
            log.warning("the plugin %s failed: %s", self._plugin, type(error).__name__)
            log.debug("the plugin %s failed", self._plugin, exc_info=True)
            raise WriterError(say("is out of order")) from error

    async def _count(self, usage: Usage) -> None:
        """Count a call to the plugin like one to the language model."""
        tokens = usage.prompt_tokens, usage.completion_tokens
        metrics.count_model_calls("answer", "ok", tokens, usage.calls)
        if self._meter:
            await self._meter.record(payer(), Spent("answer", usage.model, *tokens, usage.estimated))
