from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.factory import open_store, open_store_if_any
from bot.llm.address import Address, visit
from bot.llm.probe import probe
from bot.llm.window import window
from bot.preflight import CHECKS
from bot.settings import LLMSettings, Settings
from tests.local_llm import LocalLLM, fails, fills, refuses, silent, trickles, writes
from tests.local_llm.asking import asking
from tests.local_llm.scripts import openai_error, whole
from tests.local_llm.served import llama_cpp, lm_studio, ollama, open_router, vllm
from tests.local_llm.wild import Sent, Wild

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_llm.behaviours import Behaviour
    from tests.local_llm.wild import Call

GERMAN = "Am Tag überstrahlt das gestreute Licht der Sonne die Sterne, die erst in der Dunkelheit zu sehen sind."
ENGLISH = "The light of the sun outshines the stars by day, so that they can only be seen at night."
FIELD = "starlight_sentence"

MODEL = next(check for check in CHECKS if check.part == "language model")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


async def told(folder: Path, llm: LocalLLM, **given: object) -> list[tuple[bool | None, str]]:
    chosen = LLMSettings.model_validate({"base_url": llm.base_url, **given})
    return [(each.ok, each.sentence) async for each in MODEL.findings(Settings(data_dir=folder, llm=chosen))]


# --- the context, read from wherever each server states it


@pytest.mark.parametrize(
    ("served", "name", "tokens"),
    [
        (lambda: llama_cpp("g", 6144), "g", 6144),
        (lambda: ollama("q:latest", 4096), "q", 4096),
        (lambda: ollama("q", None, num_ctx=16384), "q", 16384),
        (lambda: ollama("q", None), "q", None),
        (lambda: vllm("v", 16384, key=None), "v", 16384),
        (lambda: lm_studio("l", 4096), "l", 4096),
        (lambda: open_router("o", 131072), "o", 131072),
        (LocalLLM, "local-model", None),
        (lambda: LocalLLM(tells={"/props": ["odd"], "/api/ps": {"models": "odd"}, "/api/show": 7}), "x", None),
        (lambda: LocalLLM(lists={"max_model_len": "long", "id": ["x"]}), "x", None),
    ],
)
async def test_the_context_is_read_where_the_server_tells_of_it(
    served: Callable[[], LocalLLM], name: str, tokens: int | None
) -> None:
    async with served() as llm:
        assert await window(Address.read(llm.base_url), "sk-or", name) == tokens


async def test_a_server_that_is_away_tells_of_no_context_and_azure_is_not_asked() -> None:
    assert await window(Address.read("http://127.0.0.1:1/v1"), None, "x") is None
    async with LocalLLM(lists={"max_model_len": 9}) as llm:
        assert await window(Address(llm.base_url, {"api-version": "1"}), None, "local-model") is None
        assert llm.requests == []


async def test_a_list_of_thousands_of_models_is_read_to_its_end() -> None:
    names = [f"maker/model-{number}-with-a-rather-long-name" for number in range(9000)]
    async with LocalLLM(models=names, lists={"context_length": 4096}) as llm:
        offer = await visit(Address.read(llm.base_url), None)
        assert offer.models == tuple(names)
        assert await window(Address.read(llm.base_url), None, names[-1]) == 4096


# --- what a single call shows


@pytest.mark.parametrize(
    ("rejects", "behaviour", "shape", "kept"),
    [
        ((), fills(GERMAN), "json_schema", True),
        ((), writes(f'{{"antwort": "{GERMAN}"}}'), "json_schema", False),
        ((), writes(GERMAN), "json_schema", False),
        (("response_format",), fills(GERMAN), "", False),
    ],
)
async def test_the_structure_is_what_the_reply_keeps_to_not_what_the_server_lets_pass(
    rejects: tuple[str, ...], behaviour: Behaviour, shape: str, kept: bool
) -> None:
    async with LocalLLM(rejects=rejects) as llm, asking(llm.base_url) as model:
        llm.next(behaviour)
        found = await probe(model)
    assert (found.shape, found.follows_schema, found.text) == (shape, kept, GERMAN)
    assert found.streams


async def test_the_field_of_the_schema_is_named_nowhere_else_in_the_request() -> None:
    async with LocalLLM() as llm, asking(llm.base_url) as model:
        llm.next(fills(GERMAN))
        await probe(model)
    assert FIELD in str(llm.chats[0].body["response_format"])
    assert FIELD not in llm.chats[0].prompt


async def test_a_server_that_replies_in_one_piece_does_not_stream_whatever_was_asked() -> None:
    def in_one(_: Call) -> Sent:
        body = whole(f'{{"{FIELD}": "{GERMAN}"}}')
        return Sent((json.dumps(body).encode(),), content_type="application/json")

    async with Wild({"x": in_one}) as wild, asking(wild.base_url("x")) as model:
        assert not (await probe(model)).streams


async def test_a_server_that_loads_its_model_first_may_be_silent_longer_than_the_bot_waits() -> None:
    async with LocalLLM() as llm, asking(llm.base_url, seconds=0.2) as model:
        llm.next(trickles(0.1, fills(GERMAN)))
        assert (await probe(model)).follows_schema


# --- what `footnote doctor` says


async def test_doctor_says_what_the_server_can_do(tmp_path: Path) -> None:
    async with llama_cpp() as llm:
        llm.next(fills(GERMAN))
        first, second = await told(tmp_path, llm)
    assert first[0]
    assert first[1].startswith("gemma-3-4b-it answers, in ")
    assert second == (
        True,
        "follows a JSON schema; streams; has a context of 8,192 tokens; answers German in German",
    )
    assert len(llm.chats) == 1


@pytest.mark.parametrize(
    ("served", "behaviour", "words"),
    [
        (ollama, fills(GERMAN), "has a context of 4,096 tokens, to which prompts are cut (3,072); give it 8,192"),
        (LocalLLM, fills(ENGLISH), "does not report its context size; answers German in another language"),
        (LocalLLM, writes(GERMAN), "accepts a JSON schema without following it, so more of"),
        (lambda: LocalLLM(rejects=["response_format"]), fills(GERMAN), "has no JSON mode, so more of its"),
        (lambda: LocalLLM(rejects=["stream"]), fills(GERMAN), "does not stream, so answers come in one piece"),
    ],
)
async def test_doctor_says_what_makes_answers_worse_without_calling_it_wrong(
    tmp_path: Path, served: Callable[[], LocalLLM], behaviour: Behaviour, words: str
) -> None:
    async with served() as llm:
        llm.next(behaviour, times=4)
        first, second = await told(tmp_path, llm)
    assert (first[0], second[0]) == (True, None)
    assert words in second[1]


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (fails(402), "m is out of credit (402); check your account with the server's provider, or wait"),
        (fails(403), "m refused the key (403); check FOOTNOTE_LLM__API_KEY"),
        (fails(404), "m is not known to the server as m (404); set FOOTNOTE_LLM__MODEL to a model that the server has"),
        (
            fails(429, retry_after=90),
            "m is taking no more requests (429); check your account with the server's provider",
        ),
        (fails(503), "m is out of order (503); the server's own log says why; one that still loads its model answers"),
        (refuses(), "m declined to answer; run it again, or set FOOTNOTE_LLM__MODEL to another model"),
        (writes(""), "m gave no usable answer; run it again, or set FOOTNOTE_LLM__MODEL to another model"),
    ],
)
async def test_each_failure_has_a_sentence_of_its_own(tmp_path: Path, behaviour: Behaviour, sentence: str) -> None:
    async with LocalLLM(models=["m"]) as llm:
        llm.next(behaviour, times=9)
        ((ok, said),) = await told(tmp_path, llm)
    assert ok is False
    assert said.startswith(sentence)


async def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.llm.probe.PATIENCE", timedelta(seconds=0.3))
    async with LocalLLM(models=["m"]) as llm:
        llm.next(silent)
        ((ok, said),) = await told(tmp_path, llm)
    assert ok is False
    assert said.startswith("m took longer than 0.3 s; run it again, as a server that still loads its model answers")


async def test_the_call_is_counted_where_there_is_a_store(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with open_store(settings):
        pass
    async with LocalLLM(models=["m"]) as llm:
        llm.next(fills(GERMAN))
        await told(tmp_path, llm)
    async with open_store(settings) as store:
        (spent,) = await store.usage.since(datetime.now(UTC).date())
    assert (spent.purpose, spent.model, spent.calls, spent.estimated) == ("doctor", "m", 1, 0)


async def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    async with open_store_if_any(Settings(data_dir=tmp_path)) as store:
        assert store is None
    async with open_store(Settings(data_dir=tmp_path)):
        pass
    async with open_store_if_any(Settings(data_dir=tmp_path)) as store:
        assert store is not None


async def test_a_budget_that_is_used_up_is_said(tmp_path: Path) -> None:
    async with LocalLLM(models=["m"]) as llm:
        async with open_store(Settings(data_dir=tmp_path)):
            pass
        llm.next(fills(GERMAN), times=2)
        await told(tmp_path, llm, tokens_per_day=1)
        ((ok, said),) = await told(tmp_path, llm, tokens_per_day=1)
        assert len(llm.chats) == 1
    assert ok is False
    assert said == "m has used up its budget for today; wait for tomorrow (UTC), or raise FOOTNOTE_LLM__TOKENS_PER_DAY"


async def test_what_the_server_said_is_shown_to_nobody(tmp_path: Path) -> None:
    async with LocalLLM(models=["m"]) as llm:
        llm.next(fails(400, str(openai_error("the key sk-secret is wrong"))), times=9)
        ((_, said),) = await told(tmp_path, llm, api_key="sk-secret")
    assert "sk-secret" not in said
