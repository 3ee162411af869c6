"""Time answers in a separate process: after a start, beside a bare call, many at once, and for a long time.

    uv run python -m bench.questions DATA_DIR QUESTIONS.json BASE_URL [--at-once 10,100,500] [--soak 600]

DATA_DIR is an existing library, QUESTIONS.json a list of texts, BASE_URL an OpenAI-compatible server. It prints one
JSON object per line, each with its `part`. `bench.all` starts it and the server, and makes tables of what it prints.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import time
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from openai import AsyncOpenAI
from pydantic import SecretStr

from bench.peers.worker import memory
from bot.answering.prompt import build
from bot.factory import make_answerer, open_library, open_model
from bot.settings import LLMSettings, Settings
from retrieval.text.tokens import TokenCounter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from openai.types.chat import ChatCompletionMessageParam

    from bot.answering.answer import Answer
    from bot.answering.answerer import Answerer
    from retrieval.papers import Hit

ONE_BY_ONE = 20  # questions
GIVEN = 8  # papers in the bare call's prompt
MODEL = "local-model"
ERROR = "error, "
ASKING = 4  # users, in the soak
STATEMENT = re.compile(r'\{"text":.*?\]\}', re.DOTALL)  # a whole statement, as the server writes it


async def measure(options: argparse.Namespace) -> None:
    """Start as `footnote chat` does, and measure one part after the other."""
    questions = json.loads(options.questions.read_text(encoding="utf-8"))
    settings = Settings(
        _env_file=None,
        data_dir=options.data_dir,
        llm=LLMSettings(base_url=options.base_url, api_key=SecretStr("k"), model=MODEL),
    )
    async with open_library(settings) as library, open_model(settings) as model:
        quoting, writing = (make_answerer(settings, library, each) for each in (None, model))
        await quoting.answer(questions[0])
        tell("start", processors=time.process_time(), memory=memory()["now"])
        client = AsyncOpenAI(base_url=options.base_url, api_key="k", max_retries=0)
        counter = TokenCounter(MODEL)

        async def call(question: str) -> tuple[float, float]:
            hits = await library.search(question, limit=GIVEN)
            return await bare_call(client, question, hits, counter)

        ways = {
            "Footnote, without a language model": lambda question: streamed(quoting, question, "extractive"),
            "Footnote, with one": lambda question: streamed(writing, question, "llm"),
            "the same model, called bare": call,
        }
        await one_by_one(ways, questions[1 : ONE_BY_ONE + 1])
        for count in options.at_once:
            await at_once(writing, list(itertools.islice(itertools.cycle(questions), count)))
        if options.soak:
            await soak(writing, questions, options.soak)


async def one_by_one(
    ways: Mapping[str, Callable[[str], Awaitable[tuple[float, float]]]], questions: Sequence[str]
) -> None:
    """Ask each question in each way, in turn; a question counts only if every way gives a statement."""
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for question in questions:
        asked = {way: await ask(question) for way, ask in ways.items()}
        if all(first for first, _ in asked.values()):
            for way, each in asked.items():
                took[way].append(each)
    for way, times in took.items():
        firsts, wholes = zip(*times, strict=True) if times else ((0.0,), (0.0,))
        tell("first", way=way, answers=len(times), first=quantiles(firsts), whole=quantiles(wholes))


async def streamed(answerer: Answerer, question: str, writer: str) -> tuple[float, float]:
    """Seconds to the first checked statement (0 if another writer had to answer), and to the end."""
    began = time.perf_counter()
    first, wrote = 0.0, ""
    async with aclosing(answerer.stream(question)) as snapshots:
        async for answer in snapshots:
            if answer.statements and not first:
                first = time.perf_counter() - began
            wrote = answer.writer
    return first if wrote == writer else 0.0, time.perf_counter() - began


async def bare_call(
    client: AsyncOpenAI, question: str, hits: Sequence[Hit], counter: TokenCounter
) -> tuple[float, float]:
    """Seconds to the first whole statement of a bare call with papers found before, and to the end."""
    messages = cast("list[ChatCompletionMessageParam]", build(question, hits, counter, 5000))
    began = time.perf_counter()
    first, text = 0.0, ""
    stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
    async for chunk in stream:
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        if not first and STATEMENT.search(text):
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def at_once(answerer: Answerer, questions: Sequence[str]) -> None:
    """Ask all questions in the same moment."""
    outcomes: Counter[str] = Counter()
    took: list[float] = []

    async def ask(question: str) -> None:
        began = time.perf_counter()
        outcomes[await settled(answerer.answer(question))] += 1
        took.append(time.perf_counter() - began)

    began, processors = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(ask, questions))
    passed, worked = time.perf_counter() - began, time.process_time() - processors
    tell(
        "at once",
        questions=len(questions),
        took=quantiles(took),
        passed=passed,
        processors=worked,
        outcomes=outcomes,
        memory=memory()["now"],
    )


async def soak(answerer: Answerer, questions: Sequence[str], seconds: float) -> None:
    """Ask continuously with a few users for some seconds; print the first and the last quarter separately."""
    outcomes: Counter[str] = Counter()
    took: list[tuple[float, float]] = []
    held: list[float] = []
    endless = itertools.cycle(questions)
    began = time.perf_counter()

    async def ask() -> None:
        while (start := time.perf_counter()) - began < seconds:
            outcomes[await settled(answerer.answer(next(endless)))] += 1
            took.append((start - began, time.perf_counter() - start))

    async def look() -> None:
        while True:
            held.append(memory()["now"])
            await asyncio.sleep(seconds / 40)

    looking = asyncio.create_task(look())
    processors = time.process_time()
    await asyncio.gather(*(ask() for _ in range(ASKING)))
    looking.cancel()
    tell(
        "soak",
        seconds=seconds,
        questions=len(took),
        processors=time.process_time() - processors,
        first=quantiles([each for at, each in took if at < seconds / 4]),
        last=quantiles([each for at, each in took if at >= seconds * 3 / 4]),
        outcomes=outcomes,
        memory=[max(part) for part in np.array_split(held, 4) if len(part)],
    )


async def settled(asked: Awaitable[Answer]) -> str:
    """The writer of an answer, or the error."""
    try:
        answer = await asked
    except Exception as error:  # noqa: BLE001 - every error is counted
        return f"{ERROR}{type(error).__name__}: {str(error).split(',')[0][:100]}"
    if answer.refused:
        return "refused"
    return "by the model" if answer.writer == "llm" else "by the papers' sentences"


def quantiles(seconds: Sequence[float]) -> list[float]:
    """p50 and p95; empty if nothing was measured."""
    return np.quantile(seconds, (0.5, 0.95)).tolist() if len(seconds) else []


def tell(part: str, **figures: object) -> None:
    """Print what was measured."""
    print(json.dumps({"part": part} | figures), flush=True)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("questions", type=Path, metavar="QUESTIONS.json")
    parser.add_argument("base_url")
    parser.add_argument("--at-once", type=counts, default=[10, 100, 500])
    parser.add_argument("--soak", type=float, default=600, metavar="SECONDS")
    asyncio.run(measure(parser.parse_args()))


def counts(text: str) -> list[int]:
    """Parse comma-separated numbers."""
    return [int(each) for each in text.split(",") if each]


if __name__ == "__main__":
    main()
