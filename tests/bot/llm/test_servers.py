"""Whatever a server does, people get the model's statements, or the papers' own sentences and a line that says why."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.answering.llm import LLMWriter
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from tests.local_llm import asking
from tests.local_llm.cases import CASES
from tests.local_llm.wild import Wild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.answering.answer import Answer
    from tests.local_llm.scripts import Case

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = (
    "has anyone shown that a dynamics net with better one-step likelihood doesnt actually give you a better controller?"
)
EVAL = Path(__file__).parents[2] / "eval"
SECONDS = 6.0  # a server may be silent for 1.8 of them at first, and for 0.6 later


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path, models: Path) -> AsyncIterator[Library]:
    """A library of seeds/, shared by all cases."""
    folder = tmp_path_factory.mktemp("shared") / "data"
    shutil.copytree(seeded_dir, folder, symlinks=True)
    library = await Library.open(folder, LocalEmbedder(cache_dir=models))
    yield library
    await library.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wild() -> AsyncIterator[Wild]:
    async with Wild({_place(case): case.script for case in CASES}) as wild:
        yield wild


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(library: Library) -> Answer:
    """The answer from the papers' own sentences."""
    return await Answerer(library, ExtractiveWriter()).answer(ASKED)


def questions(step: int) -> list[str]:
    """List every `step`-th question of the evaluation sets over seeds/."""
    rows = [
        json.loads(line)
        for name in ("seeds-answerable", "seeds-unanswerable")
        for line in (EVAL / name / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [row["text"] for row in rows if not row.get("history")][::step]


def _place(case: Case) -> str:
    return str(CASES.index(case))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_server(library: Library, wild: Wild, alone: Answer, case: Case) -> None:
    async with asking(wild.base_url(_place(case)), seconds=SECONDS) as model:
        answer = await Answerer(library, ExtractiveWriter(), LLMWriter(model)).answer(ASKED)
    assert answer.usage is not None
    if case.ends == "papers":
        assert (answer.writer, answer.statements) == ("extractive", alone.statements)
        assert re.search(case.note, answer.note or ""), answer.note
        assert answer.note is not None
        assert answer.note.endswith("own sentences.")
        assert answer.outcome == ("closest" if case.note == "found no answer" else alone.outcome)
    else:
        assert answer.writer == "llm", answer.note
        assert answer.outcome == "answered"
        assert all(statement.quotes == (statement.text.rstrip("."),) for statement in answer.statements)
        assert len(answer.statements) == case.statements, answer.note
        assert re.search(case.note, answer.note) if answer.note else not case.note, answer.note
    assert "secret-key" not in str(answer)


@pytest.mark.parametrize("name", ["prose alone", "invented quotes", "a refusal", "away", "a loop of rubbish"])
async def test_a_model_that_is_of_no_use_leaves_every_answer_as_it_is_without_one(
    library: Library, wild: Wild, name: str
) -> None:
    (case,) = (case for case in CASES if case.name == name)
    alone = Answerer(library, ExtractiveWriter())
    async with asking(wild.base_url(_place(case)), seconds=SECONDS) as model:
        with_model = Answerer(library, ExtractiveWriter(), LLMWriter(model))
        for question in questions(step=9):
            asked = wild.calls[_place(case)]
            expected, answer = await alone.answer(question), await with_model.answer(question)
            assert (answer.outcome, answer.statements) == (expected.outcome, expected.statements), question
            if wild.calls[_place(case)] > asked:
                assert (answer.note or "").endswith("own sentences."), question
    assert wild.calls[_place(case)] > 0


async def test_a_model_that_finds_nothing_makes_no_answer_a_refusal(library: Library, wild: Wild) -> None:
    (case,) = (case for case in CASES if case.name == "not sufficient")
    alone = Answerer(library, ExtractiveWriter())
    async with asking(wild.base_url(_place(case)), seconds=SECONDS) as model:
        with_model = Answerer(library, ExtractiveWriter(), LLMWriter(model))
        for question in questions(step=9):
            expected, answer = await alone.answer(question), await with_model.answer(question)
            assert answer.statements == expected.statements, question
            assert answer.refused == expected.refused, question
