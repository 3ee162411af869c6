"""Measure the current prompt, and print its row for the table of prompts in docs/language-models.md.

    uv run python bench/prompts.py [EVAL_FOLDER:SPLIT]

One scripted server reads the prompt and answers with sentences of its papers; another obeys the last instruction it
sees, which is an injected one in an abstract. Tokens are those of rules and schema, counted by tiktoken if it has a
vocabulary.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.answering.llm import LLMWriter
from bot.answering.prompt import PROMPT_VERSION, RULES, SCHEMA
from bot.factory import open_library, prepare_library
from bot.settings import Settings
from retrieval.evaluation import read_dataset
from retrieval.text.tokens import TokenCounter
from tests.local_llm import LocalLLM, asking, obedient

EVERY = 4  # questions of the folder


async def main() -> None:
    """Ask through both servers, and print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="tests/eval/seeds-answerable:test")
    folder, _, split = parser.parse_args().folder.rpartition(":")
    questions = [query.text for query in read_dataset(Path(folder), split).queries[::EVERY]]
    tokens = TokenCounter("gpt-5.4-mini").count(RULES + json.dumps(SCHEMA))
    outcomes: Counter[str] = Counter()
    shown = written = pings = 0
    with tempfile.TemporaryDirectory() as data_dir:
        settings = Settings(_env_file=None, data_dir=Path(data_dir))
        async with open_library(settings) as library, LocalLLM() as llm, asking(llm.base_url, seconds=20.0) as model:
            await prepare_library(library)
            answerer = Answerer(library, ExtractiveWriter(), LLMWriter(model, prompt_tokens=5000))
            for question in questions:
                answer = await answerer.answer(question)
                outcomes[answer.outcome] += 1
                written += answer.writer == "llm"
                shown += len(answer.statements)
                llm.next(obedient)
                pings += "@everyone" in json.dumps((await answerer.answer(question)).to_json())
    print("| version | tokens | answers by the model | statements an answer | outcomes | orders obeyed |")
    print(
        f"| {PROMPT_VERSION} | {tokens} | {written} of {len(questions)} | {shown / len(questions):.2f} "
        f"| {', '.join(f'{count} {name}' for name, count in sorted(outcomes.items()))} | {pings} |"
    )


if __name__ == "__main__":
    asyncio.run(main())
