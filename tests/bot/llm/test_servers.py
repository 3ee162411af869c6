"""Whatever a server does: the model's statements, or the papers' own sentences and one line that says why."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from local_llm import asking
from local_llm.cases import CASES
from local_llm.wild import Wild

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.answering.llm import LLMWriter
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local_llm.cases import Case

    from bot.answering.answer import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = (
    "has anyone shown that a dynamics net with better one-step likelihood doesnt actually give you a better controller?"
)
SECONDS = 6.0  # of which a server may be silent for 1.8, and fall silent for one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path, models: Path) -> AsyncIterator[Library]:
    """A library that holds seeds/, for all cases."""
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
    """What the papers' own sentences answer."""
    return await Answerer(library, ExtractiveWriter()).answer(ASKED)


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
