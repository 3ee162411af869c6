"""`footnote ask` and `footnote chat`: questions in, cited answers out."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from bot.answering import Exchange
from bot.answering.conversation import REMEMBERED
from bot.commands.export_papers import write_out
from bot.console import print_json, show_answer, stdout
from bot.factory import open_answerer, open_library, prepare_library
from bot.invocation import command
from bot.line_reader import next_line
from retrieval import BadInputError
from retrieval.export import format_of

if TYPE_CHECKING:
    from pathlib import Path

    from bot.settings import Settings


async def ask_once(
    settings: Settings, question: str, *, as_json: bool, use_llm: bool, export_to: Path | None = None
) -> None:
    """Print the answer to one question; `export_to` is a file for references to the papers it cites."""
    form = format_of(export_to.name) if export_to else ""
    if not question.strip():
        raise BadInputError(f'Ask something: {command("ask")} "which papers train robots with language corrections?"')
    async with open_library(settings) as library:
        await prepare_library(library)
        async with open_answerer(settings, library, use_llm=use_llm) as answerer:
            answer = await answerer.answer(question)
        if export_to:
            cited = list(dict.fromkeys(citation.paper_id for citation in answer.citations))
            await write_out(library, cited, form, export_to)
    if as_json:
        print_json(answer.to_json())
    else:
        show_answer(answer, stdout())


async def chat(settings: Settings, *, use_llm: bool) -> None:
    """Answer questions from standard input until it ends."""
    console = stdout()
    async with open_library(settings) as library, open_answerer(settings, library, use_llm=use_llm) as answerer:
        await prepare_library(library)
        count = (await library.counts()).papers
        console.print(f"{count} papers. Ask away; an empty line or Ctrl-D ends.")
        history: deque[Exchange] = deque(maxlen=REMEMBERED)
        while question := await next_line("\n> "):
            answer = await answerer.answer(question, tuple(history))
            history.append(Exchange.of(answer))
            show_answer(answer, console)
