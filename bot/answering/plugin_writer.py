"""A writer from another package, treated like a language model: its drafts pass the same checks."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from bot.errors import WriterError
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.answering.answer import Draft, WriterName
    from bot.answering.evidence.selection import Selection
    from bot.answering.writer import AnswerWriter
    from bot.llm import Usage

log = logging.getLogger(__name__)


class PluginWriter:
    """Write with a plugin; if it fails, the papers' own sentences answer, as with any language model."""

    name: WriterName = "llm"

    def __init__(self, plugin: str, writer: AnswerWriter) -> None:
        self._plugin = plugin
        self._writer = writer

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:
        """Yield the plugin's drafts; any error it raises becomes a WriterError."""
        try:
            async with aclosing(self._writer.write(question, selection)) as drafts:
                async for draft in drafts:
                    yield draft
        except WriterError:
            raise
        except Exception as error:
            log.warning("the plugin %s failed: %s", self._plugin, type(error).__name__)
            log.debug("the plugin %s failed", self._plugin, exc_info=True)
            raise WriterError(say("is out of order")) from error
