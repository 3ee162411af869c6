from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack, aclosing
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.answer import Draft, Support
from bot.answering.checks import check
from bot.answering.draft_parser import DraftParser
from bot.answering.evidence.selection import Selection
from bot.answering.llm import LLMWriter
from bot.errors import WriterError
from bot.llm.usage import Usage
from retrieval.papers import Evidence, Hit
from retrieval.text.text import fold
from tests.local_llm import (
    LocalLLM,
    asking,
    cut,
    fails,
    finishes,
    given_paper_mixed_up,
    held_by,
    honest,
    invented_paper,
    invented_quote,
    masked_link,
    pings_everyone,
    refuses,
    says,
    silent,
    statement,
    trickles,
    writes,
    wrong_number,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from retrieval.papers import Paper
    from tests.local_llm.behaviours import Behaviour

QUESTION = "does a better one-step likelihood of a dynamics model mean better control performance?"
KEY = "sk-this-must-stay-secret"
ONE = statement("The first statement says something.", (1, "a quote of the first paper"))
TWO = statement("The second statement says more.", (2, "a quote of the second"), (3, "a quote of the third"))


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM() as llm:
        yield llm


@pytest.fixture
def hits(seeds: list[Paper]) -> list[Hit]:
    return [Hit(paper, 1.0, (), (), Evidence(0.5, 0.5, 5.0, 0.5, 0.5)) for paper in seeds[:6]]


class WriterFor(Protocol):
    async def __call__(self, llm: LocalLLM, *, seconds: float = 20.0) -> LLMWriter: ...


@pytest.fixture
async def writer_for() -> AsyncIterator[WriterFor]:
    async with AsyncExitStack() as opened:

        async def open_writer(llm: LocalLLM, *, seconds: float = 20.0) -> LLMWriter:
            return LLMWriter(await opened.enter_async_context(asking(llm.base_url, key=KEY, seconds=seconds)))

        yield open_writer


def selected(hits: list[Hit]) -> Selection:
    return Selection("answered", 1.0, tuple(hits))


async def drafts_of(writer: LLMWriter, hits: list[Hit]) -> list[Draft]:
    return [each async for each in writer.write(QUESTION, selected(hits)) if isinstance(each, Draft)]


async def trouble_of(writer: LLMWriter, hits: list[Hit]) -> tuple[list[Draft | Usage], str | None]:
    """Collect what is written before an error, and the error's message; None if there is no error."""
    written: list[Draft | Usage] = []
    try:
        async for each in writer.write(QUESTION, selected(hits)):
            written.append(each)  # noqa: PERF401 - what came before the error is wanted
    except WriterError as error:
        return written, str(error)
    return written, None


async def test_an_honest_model_quotes_the_right_paper_and_its_drafts_pass_the_checks(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    drafts = await drafts_of(await writer_for(llm), hits)
    assert drafts
    checked = check(drafts[0], hits)
    assert checked
    assert (
        hits[checked.supports[0].paper_number - 1].paper.title
        == "Objective Mismatch in Model-based Reinforcement Learning"
    )


@pytest.mark.parametrize(
    "behaviour", [invented_paper, invented_quote, given_paper_mixed_up, wrong_number, pings_everyone, masked_link]
)
async def test_what_a_model_makes_up_does_not_pass_the_checks(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor, behaviour: Behaviour
) -> None:
    llm.next(behaviour)
    drafts = await drafts_of(await writer_for(llm), hits)
    assert drafts
    assert not any(check(draft, hits) for draft in drafts)


async def test_usage_comes_last_as_the_server_reports_it(llm: LocalLLM, hits: list[Hit], writer_for: WriterFor) -> None:
    llm.next(says(ONE))
    written = [each async for each in (await writer_for(llm)).write(QUESTION, selected(hits))]
    assert isinstance(written[-1], Usage)
    assert written[-1].model == "test-model"
    assert written[-1].calls == 1
    assert written[-1].prompt_tokens > 1000
    assert written[-1].completion_tokens > 10
    assert not written[-1].estimated


async def test_supports_arrive_with_their_paper_numbers(llm: LocalLLM, hits: list[Hit], writer_for: WriterFor) -> None:
    llm.next(says(ONE, TWO))
    assert await drafts_of(await writer_for(llm), hits) == [
        Draft("The first statement says something.", (Support(1, "a quote of the first paper"),)),
        Draft(
            "The second statement says more.", (Support(2, "a quote of the second"), Support(3, "a quote of the third"))
        ),
    ]


async def test_a_model_that_finds_the_papers_insufficient_yields_usage_and_no_draft(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(says(ONE, sufficient=False))
    written = [each async for each in (await writer_for(llm)).write(QUESTION, selected(hits))]
    assert [type(each) for each in written] == [Usage]


async def test_the_first_draft_is_there_while_the_stream_still_waits(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(cut(0.75, says(ONE, TWO), stalls=True))
    async with aclosing((await writer_for(llm)).write(QUESTION, selected(hits))) as written:
        first = await anext(written)
    assert isinstance(first, Draft)
    assert first.text == ONE["text"]


@pytest.mark.parametrize(
    "around",
    [
        "```json\n%s\n```",
        "Here you are:\n\n```\n%s\n```\nI hope this helps!",
        '<think>Maybe {"sufficient": false}? No.</think>\n%s',
        "\ufeff  %s  ",
    ],
)
async def test_json_in_a_fence_or_behind_thoughts_is_read(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor, around: str
) -> None:
    llm.next(writes(around % json.dumps({"sufficient": True, "statements": [ONE]})))
    assert [draft.text for draft in await drafts_of(await writer_for(llm), hits)] == [ONE["text"]]


async def test_one_misshapen_statement_does_not_spoil_the_others(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(says(ONE, {"text": "No supports at all."}, {"text": 7, "supports": "none"}, TWO))
    assert [draft.text for draft in await drafts_of(await writer_for(llm), hits)] == [ONE["text"], TWO["text"]]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (fails(401), "refused the key (401)"),
        (fails(403), "refused the key (403)"),
        (fails(404), "is not known to the server as test-model (404)"),
        (fails(400, "This model's maximum context length is 64 tokens."), "has too small a context for the question"),
        (fails(429, retry_after=0.01), "is taking no more requests (429)"),
        (fails(429, code="insufficient_quota"), "is out of credit (429)"),
        (fails(500), "is out of order (500)"),
        (fails(503, retry_after=0.01), "is out of order (503)"),
        (writes(""), "gave no usable answer"),
        (writes("I think that likelihood does not matter much."), "gave no usable answer"),
        (writes('{"sufficient": true, "statements": [}'), "gave no usable answer"),
        (writes('{"sufficient": true, "statements": []}'), "gave no usable answer"),
        (writes('{"sufficient": true, "statements": [{"text": "Alone."}]}'), "gave no usable answer"),
        (writes('{"statements": {"text": "No list."}}'), "gave no usable answer"),
        (writes("[1, 2]"), "gave no usable answer"),
        (writes('{"a":' * 4000), "gave no usable answer"),
        (writes('{"sufficient": true, "statements": [{"text": "Ends here."'), "gave no usable answer"),
        (refuses(), "declined to answer"),
        (finishes("content_filter"), "filtered the answer"),
        (finishes("length"), "cut the answer off"),
        (cut(0.5), "cut the answer off"),
        (cut(0.5, cleanly=True), "cut the answer off"),
        (cut(0.0), "cannot be reached"),
        (writes("{" + " " * 30_000), "cut the answer off"),
    ],
)
async def test_each_failure_is_told_in_a_few_words(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor, behaviour: Behaviour, words: str
) -> None:
    llm.next(behaviour, times=5)
    assert (await trouble_of(await writer_for(llm), hits))[1] == words


async def test_a_server_that_is_not_there_cannot_be_reached(hits: list[Hit], writer_for: WriterFor) -> None:
    async with LocalLLM() as gone:
        pass
    assert (await trouble_of(await writer_for(gone), hits))[1] == "cannot be reached"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (silent, "said nothing for 0.9 s"),
        (cut(0.1, stalls=True), "said nothing for 0.3 s"),
        (trickles(0.05, writes("{" + "x" * 5000)), "took longer than 3 s"),
    ],
)
async def test_three_tenths_of_the_time_in_silence_a_tenth_after_words_or_all_of_it_end_the_wait(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor, behaviour: Behaviour, words: str
) -> None:
    llm.next(behaviour)
    assert (await trouble_of(await writer_for(llm, seconds=3.0), hits))[1] == words


@pytest.mark.parametrize("retry_after", [60, 1e20])
async def test_a_server_that_wants_more_time_than_there_is_is_not_waited_for(
    retry_after: float, llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(fails(429, retry_after=retry_after))
    assert (await trouble_of(await writer_for(llm), hits))[1] == "is taking no more requests (429)"
    assert len(llm.chats) == 1


async def test_too_many_requests_twice_and_then_well_is_well(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(fails(429, retry_after=0.01), times=2)
    assert await drafts_of(await writer_for(llm), hits)
    assert len(llm.chats) == 3


async def test_drafts_before_a_break_are_kept_with_the_usage_and_the_break_is_told(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(cut(0.75, says(ONE, TWO)))
    (draft, usage), said = await trouble_of(await writer_for(llm), hits)
    assert isinstance(draft, Draft)
    assert draft.text == ONE["text"]
    assert isinstance(usage, Usage)
    assert said == "cut the answer off"


async def test_usage_is_estimated_where_the_server_reports_none(hits: list[Hit], writer_for: WriterFor) -> None:
    async with LocalLLM(rejects=["stream_options"]) as llm:
        llm.next(says(ONE))
        written = [each async for each in (await writer_for(llm)).write(QUESTION, selected(hits))]
    usage = written[-1]
    assert isinstance(usage, Usage)
    assert usage.estimated
    assert usage.calls == 2
    assert usage.prompt_tokens > 1000
    assert usage.completion_tokens > 10


async def test_a_server_without_schemas_is_asked_once_with_and_then_always_without(
    hits: list[Hit], writer_for: WriterFor
) -> None:
    async with LocalLLM(rejects=["response_format", "stream_options"]) as llm:
        writer = await writer_for(llm)
        assert await drafts_of(writer, hits)
        assert await drafts_of(writer, hits)
    asked_with = [{"response_format", "stream_options"} & request.body.keys() for request in llm.chats]
    assert asked_with == [
        {"response_format", "stream_options"},
        {"response_format", "stream_options"},
        {"stream_options"},
        set(),
        set(),
    ]


async def test_a_refused_schema_is_understood_from_a_500_too(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(fails(500, 'response_format type must be one of "text" or "json_object", but got: json_schema'))
    assert await drafts_of(await writer_for(llm), hits)
    assert llm.chats[-1].body["response_format"] == {"type": "json_object"}


async def test_the_request_asks_for_the_schema_and_sets_no_limit_that_some_models_refuse(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    await drafts_of(await writer_for(llm), hits)
    body = llm.chats[0].body
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["model"] == "test-model"
    assert body["temperature"] == 0
    assert not {"max_tokens", "max_completion_tokens"} & body.keys()


async def test_the_key_reaches_the_server_and_nothing_else(
    hits: list[Hit], writer_for: WriterFor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with LocalLLM(key="another key") as llm:
        _, said = await trouble_of(await writer_for(llm), hits)
        assert llm.chats[0].key == KEY
    assert said == "refused the key (401)"
    assert KEY not in caplog.text
    assert KEY not in repr(llm.requests)


async def test_a_server_of_ones_own_needs_no_key(
    llm: LocalLLM, hits: list[Hit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with asking(llm.base_url, key=None) as model:
        assert await drafts_of(LLMWriter(model), hits)


async def test_many_questions_at_a_time_do_not_mix(llm: LocalLLM, hits: list[Hit], writer_for: WriterFor) -> None:
    texts = [f"Statement number {number} stands here." for number in range(10)]
    llm.next(*(trickles(0.001, says(statement(text, (1, "some quote")))) for text in texts))
    writer = await writer_for(llm)
    results = await asyncio.gather(*(drafts_of(writer, hits) for _ in texts))
    assert sorted(draft.text for drafts in results for draft in drafts) == sorted(texts)


async def test_a_reader_that_leaves_early_closes_the_stream(
    llm: LocalLLM, hits: list[Hit], writer_for: WriterFor
) -> None:
    llm.next(cut(0.75, says(ONE, TWO), stalls=True), honest)
    writer = await writer_for(llm)
    async with aclosing(writer.write(QUESTION, selected(hits))) as written:
        await anext(written)
    assert await drafts_of(writer, hits)


async def test_a_held_answer_comes_once_it_is_let_go(llm: LocalLLM, hits: list[Hit], writer_for: WriterFor) -> None:
    gate = asyncio.Event()
    llm.next(held_by(gate))
    answer = asyncio.create_task(drafts_of(await writer_for(llm), hits))
    await llm.asked(1)
    assert not answer.done()
    gate.set()
    assert await answer


def pieces(text: str, cuts: list[int]) -> Iterator[str]:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    return (text[start:end] for start, end in pairwise(places))


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4, unique_by=fold),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
    escaped=st.booleans(),
)
def test_wherever_the_stream_is_cut_into_pieces_the_drafts_are_the_same(
    texts: list[str], cuts: list[int], escaped: bool
) -> None:
    reply = {"sufficient": True, "statements": [statement(text, (1, text)) for text in texts]}
    parser = DraftParser()
    drafts = [draft for piece in pieces(json.dumps(reply, ensure_ascii=escaped), cuts) for draft in parser.feed(piece)]
    assert parser.complete
    assert drafts == [Draft(text, (Support(1, text),)) for text in texts]


@given(st.text())
def test_whatever_a_model_writes_is_read_or_refused(text: str) -> None:
    parser = DraftParser()
    list(parser.feed("{" + text + "}"))
    try:
        list(parser.finish())
    except ValueError:
        return
