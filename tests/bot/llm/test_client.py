from __future__ import annotations

import asyncio
import datetime as dt
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.answering.llm import LLMWriter
from bot.errors import BudgetError, WriterError
from bot.llm.client import REST
from bot.llm.message import Prompt
from bot.llm.meter import Begun, Payer, Spent, paid_by
from bot.llm.options import Learnt, Options
from bot.llm.patience import Patience, Wait, patience, sharing
from storage.breaker import Breaker
from tests.local_llm import LocalLLM, asking, cut, fails, held_by, honest, silent, writes
from tests.local_llm.refusals import too_small
from tests.local_llm.scripts import chunk, error, events, well
from tests.local_llm.wild import HANG, Sent, Wild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.llm.client import LanguageModel
    from retrieval.library import Library
    from tests.local_llm.behaviours import Behaviour
    from tests.local_llm.wild import Call

ASKED = "has anyone shown that a dynamics net with better one-step likelihood doesnt give you a better controller?"
ALICE = Payer(server_id=1, person_id=2)


class Word(BaseModel):
    word: str


PROMPT = Prompt("test", "Reply with one word as JSON.", Word)
GOOD = writes('{"word": "yes"}')


class Ledger:
    """Record what was spent, and report a budget as used up when the test says so."""

    def __init__(self) -> None:
        self.spent: list[tuple[Payer, Spent]] = []
        self.expected: list[Spent] = []
        self.used_up: str | None = None

    async def exhausted_budget(self, payer: Payer) -> str | None:
        return None if payer.exempt else self.used_up

    async def begin(self, payer: Payer, expected: Spent) -> Begun | None:
        self.expected.append(expected)
        return Begun(dt.date(2026, 1, 1), payer, expected)

    async def record(self, payer: Payer, spent: Spent, begun: Begun | None = None) -> None:
        assert begun is None or begun.payer == payer
        self.spent.append((payer, spent))


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM() as llm:
        yield llm


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def model(llm: LocalLLM, ledger: Ledger) -> AsyncIterator[LanguageModel]:
    async with asking(llm.base_url, seconds=6.0, meter=ledger) as model:
        yield model


async def test_a_form_is_filled_in_and_what_it_took_is_counted_for_who_asked(
    llm: LocalLLM, model: LanguageModel, ledger: Ledger
) -> None:
    llm.next(GOOD)
    with paid_by(ALICE):
        filled, usage = await model.fill(PROMPT, "Well?")
    assert filled == Word(word="yes")
    assert usage is not None
    spent = Spent("test", "test-model", usage.prompt_tokens, usage.completion_tokens)
    assert ledger.spent == [(ALICE, spent)]
    assert [each.purpose for each in ledger.expected] == [spent.purpose]  # recorded before the call was made
    assert spent.completion_tokens > 0


@pytest.mark.parametrize(
    ("behaviour", "tokens"),
    [
        pytest.param(fails(401), False, id="refused"),
        pytest.param(silent, True, id="silent"),
        pytest.param(cut(0.5, GOOD), True, id="cut"),
        pytest.param(writes("no JSON"), True, id="unreadable"),
        pytest.param(writes('{"word": "y', finish_reason="length"), True, id="too short"),
    ],
)
async def test_a_call_that_fails_is_counted_once_and_a_prompt_that_was_read_with_its_tokens(
    llm: LocalLLM, model: LanguageModel, ledger: Ledger, behaviour: Behaviour, tokens: bool
) -> None:
    llm.next(behaviour)
    filled, usage = await model.fill(PROMPT, "Well?")
    assert filled is None
    assert usage is not None
    ((_, spent),) = ledger.spent
    assert (spent.prompt_tokens > 0) is tokens


async def test_a_call_that_is_given_up_is_counted_too(llm: LocalLLM, model: LanguageModel, ledger: Ledger) -> None:
    llm.next(silent)
    call = asyncio.create_task(model.fill(PROMPT, "Well?"))
    await llm.asked(1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    ((_, spent),) = ledger.spent
    assert spent.prompt_tokens > 0
    assert spent.estimated


@pytest.mark.parametrize(("budget", "words"), [("day", "for today"), ("server", "this server's"), ("person", "your")])
async def test_at_the_end_of_a_budget_nothing_is_asked_and_the_error_says_which(
    llm: LocalLLM, model: LanguageModel, ledger: Ledger, budget: str, words: str
) -> None:
    ledger.used_up = budget
    with pytest.raises(BudgetError, match=words) as caught:
        async with model.ask(PROMPT, lambda _: PROMPT.about("Well?")):
            pass
    assert caught.value.budget == budget
    assert (llm.chats, ledger.spent) == ([], [])
    llm.next(GOOD)
    with paid_by(Payer(exempt=True)):
        assert (await model.fill(PROMPT, "Well?"))[0]


async def test_after_two_failures_in_a_row_nobody_waits_for_the_server(llm: LocalLLM, model: LanguageModel) -> None:
    llm.next(fails(401), GOOD, fails(401), fails(403))
    for _ in range(4):
        await model.fill(PROMPT, "Well?")
    with pytest.raises(WriterError, match="left alone"):
        async with model.ask(PROMPT, lambda _: PROMPT.about("Well?")):
            pass
    assert len(llm.chats) == 4


def test_after_a_rest_one_call_finds_out_how_the_server_is() -> None:
    now = 0.0
    breaker = Breaker(REST, clock=lambda: now)
    breaker.record_failure()
    assert breaker.allows_call()
    breaker.record_failure()
    assert not breaker.allows_call()
    now = 61.0
    assert [breaker.allows_call(), breaker.allows_call()] == [True, False]
    breaker.record_failure()
    assert not breaker.allows_call()
    now = 122.0
    assert breaker.allows_call()
    breaker.record_success()
    assert [breaker.allows_call(), breaker.allows_call()] == [True, True]


def test_what_a_server_refuses_is_remembered_for_an_hour() -> None:
    now = 0.0
    learnt = Learnt(clock=lambda: now)
    learnt.learn(Options(shape=""))
    now = 3500.0
    assert learnt.options() == Options(shape="")
    now = 3700.0
    assert learnt.options() == Options()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "upstream error: the instance is gone"),
        (401, "response_format"),
        (404, "The model `x` does not exist"),
        (429, "temperature is too high in here"),
        (500, "upstream connect error"),
        (503, "grammar"),
    ],
)
def test_an_error_that_names_no_option_is_not_taken_for_a_refusal_of_streams(status: int, said: str) -> None:
    asked = Options().without(status, said)
    assert asked is None or asked.stream


async def test_what_one_call_learns_serves_the_next_whatever_it_is_for() -> None:
    def no_temperature(call: Call) -> Sent:
        return error(400, {"error": "temperature"}) if "temperature" in call.body else well(call)

    async with Wild({"x": no_temperature}) as wild, asking(wild.base_url("x")) as model:
        for calls in (2, 3):
            await model.fill(PROMPT, "Well?")
            assert wild.calls["x"] == calls


async def test_a_context_that_is_too_small_is_told_once_and_kept_to(
    seeded: Library, caplog: pytest.LogCaptureFixture
) -> None:
    script = too_small(1500, 400, lambda _, n: {"error": f"the maximum context length is {n} tokens"})
    async with Wild({"x": script}) as wild, asking(wild.base_url("x")) as model:
        answerer = Answerer(seeded, ExtractiveWriter(), LLMWriter(model))
        for _ in range(2):
            assert (await answerer.answer(ASKED)).writer == "llm"
        first, second = wild.calls["x"], model.room
        assert (await answerer.answer(ASKED)).writer == "llm"
        assert (wild.calls["x"], model.room) == (first + 1, second)
    told = [record for record in caplog.records if "context of test-model is too small" in record.message]
    assert len(told) == 1


async def test_closing_a_question_closes_the_stream_so_that_the_server_stops(seeded: Library) -> None:
    def hangs(call: Call) -> Sent:
        text = call.good[: len(call.good) // 2]
        return Sent((events([chunk({"content": text})], done=False), HANG))

    async with Wild({"x": hangs}) as wild, asking(wild.base_url("x"), seconds=60.0) as model:
        answerer = Answerer(seeded, ExtractiveWriter(), LLMWriter(model))
        async with aclosing(answerer.stream(ASKED)) as snapshots:
            await anext(snapshots)
        await wild.left.wait()


async def test_a_cancelled_question_closes_the_connection_before_a_word_has_come(seeded: Library) -> None:
    def hangs(_: Call) -> Sent:
        return Sent((HANG,))

    async with Wild({"x": hangs}) as wild, asking(wild.base_url("x"), seconds=60.0) as model:
        answerer = Answerer(seeded, ExtractiveWriter(), LLMWriter(model))
        question = asyncio.create_task(answerer.answer(ASKED))
        await wild.asked.wait()
        question.cancel()
        await wild.left.wait()
        assert isinstance((await asyncio.gather(question, return_exceptions=True))[0], asyncio.CancelledError)


async def test_the_papers_own_sentences_stand_while_the_model_is_silent_and_give_way_to_it(
    seeded: Library, llm: LocalLLM
) -> None:
    gate = asyncio.Event()
    llm.next(held_by(gate, honest))
    async with asking(llm.base_url, seconds=60.0) as model:
        answerer = Answerer(seeded, ExtractiveWriter(), LLMWriter(model), fallback_after=dt.timedelta(seconds=0.1))
        seen = []
        async for snapshot in answerer.stream(ASKED):
            seen.append(snapshot)
            gate.set()
    assert (seen[0].writer, seen[-1].writer) == ("extractive", "llm")
    assert seen[0].statements
    assert seen[-1].note is None
    assert seen[-1].statements
    writers = [snapshot.writer for snapshot in seen]
    assert writers == sorted(writers)


async def test_what_stood_meanwhile_stays_where_the_model_fails_then(seeded: Library, llm: LocalLLM) -> None:
    llm.next(silent)
    async with asking(llm.base_url, seconds=3.0) as model:
        answerer = Answerer(seeded, ExtractiveWriter(), LLMWriter(model), fallback_after=dt.timedelta(seconds=0.1))
        answer = await answerer.answer(ASKED)
    alone = await Answerer(seeded, ExtractiveWriter()).answer(ASKED)
    assert (answer.statements, answer.outcome) == (alone.statements, alone.outcome)
    assert answer.note == "The language model said nothing for 0.9 s; these are the papers' own sentences."


async def test_all_calls_of_a_question_share_one_silence_and_one_deadline() -> None:
    def left(waits: Patience, *, briefly: bool = False) -> float:
        return round(waits.until(briefly=briefly) - asyncio.get_running_loop().time())

    with sharing(Wait()):
        first = patience(dt.timedelta(seconds=30))
        assert patience(dt.timedelta(seconds=30)) is first
    assert (left(first), left(first, briefly=True)) == (9, 3)
    first.begin()
    first._heard -= 4.0
    first.end()
    first._heard -= 100.0  # time between two calls does not count
    first.begin()
    assert (left(first), left(first, briefly=True)) == (5, -1)
    first.heard()
    assert left(first) == 9
    assert patience(dt.timedelta(seconds=30)) is not first


@pytest.mark.parametrize("version", ["2024-10-21", "v1"])
async def test_azures_deployments_are_asked_with_their_version_and_key_header(version: str) -> None:
    seen = []

    def azure(call: Call) -> Sent:
        seen.append((dict(call.query), call.headers.get("api-key")))
        return well(call)

    async with Wild({"x": azure}) as wild, asking(f"{wild.base_url('x')}?api-version={version}", key="k") as model:
        await model.fill(PROMPT, "Well?")
    assert seen == [({"api-version": version}, "k")]


async def test_what_a_server_said_stands_in_the_debug_log_without_the_key(
    llm: LocalLLM, model: LanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    llm.next(fails(401, "Incorrect key: secret-key"))
    await model.fill(PROMPT, "Well?")
    assert "Incorrect key: ***" in caplog.text
    assert "secret-key" not in caplog.text
