"""`footnote ask` and `footnote chat`: questions in, cited answers out."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.answering.conversation import REMEMBERED, Exchange
from bot.console import print_json, show_answer, stdout
from bot.wiring import open_answerer, open_library, take_in
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from bot.settings import Settings


async def ask_once(settings: Settings, question: str, *, as_json: bool, use_llm: bool) -> None:
    """Print the answer to one question."""
    if not question.strip():
        raise BadInputError('Ask something: footnote ask "which papers train robots with language corrections?"')
    async with open_library(settings) as library:
        await take_in(library)
        async with open_answerer(settings, library, use_llm=use_llm) as answerer:
            answer = await answerer.answer(question)
    if as_json:
        print_json(answer.to_json())
    else:
        show_answer(answer, stdout())


async def chat(settings: Settings, *, use_llm: bool) -> None:
    """Answer questions from standard input until it ends."""
    console = stdout()
    async with open_library(settings) as library, open_answerer(settings, library, use_llm=use_llm) as answerer:
        await take_in(library)
        count = (await library.counts()).papers
        console.print(f"{count} papers. Ask away; an empty line or Ctrl-D ends.")
        history: deque[Exchange] = deque(maxlen=REMEMBERED)
        while question := await _next_question():
            answer = await answerer.answer(question, tuple(history))
            history.append(Exchange.of(answer))
            show_answer(answer, console)


async def _next_question() -> str:
    """Return the next line, or an empty string where there is none."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        try:
            typed = input("\n> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            typed = ""
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(line.set_result, typed)

    # Not to_thread: its threads are waited for at the end, and after Ctrl-C nobody will press Enter.
    threading.Thread(target=read, daemon=True).start()
    return await line
