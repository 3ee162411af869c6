"""The writer that asks a language model and parses its drafts as they stream."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.answering.draft_parser import DraftParser
from bot.answering.form import MOST_STATEMENTS, CitedAnswer
from bot.answering.prompt import RULES, build
from bot.errors import WriterError
from bot.llm import Prompt, trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.answering.answer import Draft
    from bot.answering.evidence.selection import Selection
    from bot.answering.outcome import WriterName
    from bot.llm import LanguageModel, Reply, Usage

PROMPT_TOKENS: Final = 5000
# Some drafts fail the checks, but twice as many as were asked for are enough.
_MOST_DRAFTS: Final = 2 * MOST_STATEMENTS
# A prompt that the server silently truncated is made shorter and sent again, once.
_TRIES: Final = 2


class LLMWriter:
    """Ask a chat model for statements with verbatim quotes; safe for concurrent questions."""

    name: WriterName = "llm"

    def __init__(self, model: LanguageModel, *, prompt_tokens: int = PROMPT_TOKENS, purpose: str = "answer") -> None:
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._prompt = Prompt(purpose, RULES, CitedAnswer)

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:
        """Yield each draft as soon as the stream completes it, then the usage; no drafts if the papers do not suffice.

        Raises WriterError after the complete drafts and the usage; its message never holds the key or the server's
        words.
        """
        written = partial(build, question, selection.hits, self._model.counter)
        for left in reversed(range(_TRIES)):
            given = again = False
            error: WriterError | None = None
            async with self._model.ask(self._prompt, written, self._prompt_tokens) as reply:
                try:
                    async with aclosing(_drafts(reply)) as drafts:
                        async for draft in drafts:
                            given = True
                            yield draft
                except WriterError as caught:
                    error = caught
                await reply.settle()
                again = left > 0 and not given and reply.cut_prompt()
            assert reply.usage is not None
            yield reply.usage
            if error and not again:
                raise error
            if not again:
                return


async def _drafts(reply: Reply) -> AsyncGenerator[Draft]:
    parser = DraftParser()
    try:
        async for piece in reply:
            for draft in parser.feed(piece):
                yield draft
            if parser.complete or parser.count >= _MOST_DRAFTS:
                reply.whole()
                return
            if parser.looping:
                raise trouble.looping()
        if not reply.finished:
            # The last statement may have lost its end.
            raise trouble.cut_off()
        # Repairing malformed JSON takes some milliseconds per thousand characters.
        for draft in await asyncio.to_thread(lambda: [*parser.finish()]):
            yield draft
    except ValueError:
        raise trouble.unusable() from None
