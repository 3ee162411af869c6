from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.answering.judge import Judge
from bot.answering.llm import LLMWriter
from tests.local_llm import LocalLLM, asking, fails, honest, silent, writes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from retrieval.library import Library
    from tests.local_llm.behaviours import Behaviour

ASKED = "has anyone shown that a dynamics net with better one-step likelihood doesnt give you a better controller?"


def verdicts(*said: str) -> Behaviour:
    return writes(json.dumps({"verdicts": said}))


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM() as llm:
        yield llm


@pytest.fixture
async def unjudged(seeded: Library, llm: LocalLLM) -> AsyncIterator[Answerer]:
    async with asking(llm.base_url, seconds=3.0) as model:
        yield Answerer(seeded, ExtractiveWriter(), LLMWriter(model))


@pytest.fixture
async def answerer(seeded: Library, llm: LocalLLM) -> AsyncIterator[Answerer]:
    async with asking(llm.base_url, seconds=3.0) as model:
        yield Answerer(seeded, ExtractiveWriter(), LLMWriter(model), judge=Judge(model))


async def test_what_the_judge_bears_out_is_shown_and_both_calls_are_counted(
    answerer: Answerer, unjudged: Answerer, llm: LocalLLM
) -> None:
    plain = await unjudged.answer(ASKED)
    said = ["supported"] * len(plain.statements)
    llm.next(honest, verdicts(*said))
    answer = await answerer.answer(ASKED)
    assert answer.statements == plain.statements
    assert answer.note is None
    assert answer.usage is not None
    assert answer.usage.calls == 2


@pytest.mark.parametrize("said", ["unsupported", "contradicted"])
async def test_what_the_judge_does_not_bear_out_is_never_shown(
    answerer: Answerer, unjudged: Answerer, llm: LocalLLM, said: str
) -> None:
    plain = await unjudged.answer(ASKED)
    llm.next(honest, verdicts(said, *["supported"] * (len(plain.statements) - 1)))
    snapshots = [snapshot async for snapshot in answerer.stream(ASKED)]
    for snapshot in snapshots:
        assert plain.statements[0].text not in {statement.text for statement in snapshot.statements}
    assert [s.text for s in snapshots[-1].statements] == [s.text for s in plain.statements[1:]]


TURNED = "The likelihood of one-step predictions is correlated with control performance."
QUOTE = "the likelihood of one-step ahead predictions is not always correlated with control performance"
DOUBTFUL = writes(
    json.dumps({"sufficient": True, "statements": [{"supports": [{"paper": 1, "quote": QUOTE}], "text": TURNED}]})
)


async def test_what_the_checks_doubt_is_for_the_judge_to_say(answerer: Answerer, llm: LocalLLM) -> None:
    llm.next(DOUBTFUL, verdicts("supported"))
    assert [statement.text for statement in (await answerer.answer(ASKED)).statements] == [TURNED]
    llm.next(DOUBTFUL, fails(500))
    (statement,) = (await answerer.answer(ASKED)).statements
    assert QUOTE in statement.text


async def test_an_answer_without_a_statement_left_is_the_papers_own_sentences(
    answerer: Answerer, unjudged: Answerer, seeded: Library, llm: LocalLLM
) -> None:
    plain = await unjudged.answer(ASKED)
    llm.next(honest, verdicts(*["unsupported"] * len(plain.statements)))
    answer = await answerer.answer(ASKED)
    own = await Answerer(seeded, ExtractiveWriter()).answer(ASKED)
    assert (answer.outcome, answer.writer, answer.statements) == (own.outcome, "extractive", own.statements)
    assert answer.citations == own.citations != ()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(fails(401), id="refused"),
        pytest.param(fails(500), id="failed"),
        pytest.param(silent, id="silent"),
        pytest.param(writes(""), id="empty"),
        pytest.param(writes("they all look fine to me"), id="chat"),
        pytest.param(verdicts(), id="too few"),
        pytest.param(verdicts(*["supported"] * 20), id="too many"),
        pytest.param(verdicts("yes"), id="unknown"),
        pytest.param(writes("[" * 20_000), id="deep"),
    ],
)
async def test_a_judge_that_fails_is_said_and_the_other_checks_stand(
    answerer: Answerer, llm: LocalLLM, behaviour: Behaviour
) -> None:
    llm.next(honest, behaviour)
    answer = await answerer.answer(ASKED)
    assert not answer.refused
    assert answer.note is not None
    assert "judge" in answer.note


async def test_strangers_words_cannot_close_their_delimiters(answerer: Answerer, llm: LocalLLM) -> None:
    await answerer.answer(ASKED)
    content = llm.chats[-1].body["messages"][1]["content"]
    assert content.count("<statement") == content.count("</statement>") > 0
    assert content.count("<quote") == content.count("</quote>") > 0
