from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from bot.errors import SettingsError
from bot.factory import LONGEST_TIMEOUT, open_model
from bot.llm.address import Address, Offer, visit
from bot.preflight import CHECKS
from bot.settings import LLMSettings, Settings
from tests.local_llm import LocalLLM
from tests.local_llm.scripts import error
from tests.local_llm.wild import Wild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local_llm.wild import Call, Sent

MODEL = next(check for check in CHECKS if check.part == "language model")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def settings(**llm: object) -> Settings:
    return Settings(llm=LLMSettings.model_validate(llm))


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """The address of a server that answers every request with a web page."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Chat</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("localhost:11434/v1", "lacks http:// or https://; write http://localhost:11434/v1."),
        ("192.168.0.4:8000/v1", "write http://192.168.0.4:8000/v1."),
        ("api.example.org/v1", "write https://api.example.org/v1."),
        (
            "http://localhost:1234/v1/chat/completions",
            "must end before /chat/completions; write http://localhost:1234/v1.",
        ),
        ("https://api.example.org/v1/models/", "must end before /models; write https://api.example.org/v1."),
        ("https://me:pw@api.example.org/v1/chat/completions", "write https://api.example.org/v1."),
        ("http://", "is not an address"),
        ("http://local host/v1", "is not an address"),
        ("http://localhost:99999/v1", "is not an address"),
        ("ftp://localhost/v1", "is not an address"),
    ],
)
def test_an_address_that_is_none_is_refused_with_what_to_write_instead(written: str, instead: str) -> None:
    with pytest.raises(SettingsError, match=r"^FOOTNOTE_LLM__BASE_URL") as caught:
        Address.read(written)
    assert instead in str(caught.value)
    assert "pw" not in str(caught.value)


def test_an_address_may_end_in_a_slash_and_carry_what_azure_wants() -> None:
    assert Address.read(" http://localhost:8080/v1/ ") == Address("http://localhost:8080/v1")
    azure = Address.read("https://x.openai.azure.com/openai/deployments/y?api-version=2024-10-21")
    assert azure == Address("https://x.openai.azure.com/openai/deployments/y", {"api-version": "2024-10-21"})


async def test_an_address_without_v1_is_refused_with_it() -> None:
    async with LocalLLM() as llm:
        root = llm.base_url.removesuffix("/v1")
        with pytest.raises(SettingsError, match="is not where the API is") as caught:
            await visit(Address.read(root), None)
        assert str(caught.value).endswith(f"write {llm.base_url}.")
        assert (await visit(Address.read(llm.base_url), None)).models == ("local-model",)


async def test_a_web_page_is_refused_and_a_server_that_is_away_is_not(page: str) -> None:
    with pytest.raises(SettingsError, match="web page"):
        await visit(Address.read(page), None)
    offer = await visit(Address("http://127.0.0.1:1/v1"), None)
    assert (offer.answered, offer.models) == (False, None)


async def test_an_api_without_a_list_of_models_is_left_alone() -> None:
    def objects(_: Call) -> Sent:
        return error(400, {"error": "model is required"})

    async with Wild({"x": objects}) as wild:
        assert await visit(Address.read(wild.base_url("x")), None) == Offer(status=404)


def test_a_model_and_its_latest_are_the_same() -> None:
    offer = Offer(("llama3.2:latest", "qwen3:8b"))
    assert [offer.has(name) for name in ("llama3.2", "llama3.2:latest", "qwen3:8b", "qwen3")] == [
        True,
        True,
        True,
        False,
    ]
    assert Offer(("llama3.2",)).has("llama3.2:latest")


async def test_the_one_model_that_a_server_has_is_taken_where_none_is_named() -> None:
    async with LocalLLM(models=["only:latest"]) as llm:
        async with open_model(settings(base_url=llm.base_url)) as model:
            assert model is not None
            assert model.name == "only:latest"
        async with open_model(settings(base_url=llm.base_url, model="other")) as model:
            assert model is not None
            assert model.name == "other"


async def test_a_model_may_take_for_ever() -> None:
    async with LocalLLM() as llm, open_model(settings(base_url=llm.base_url, timeout=float("inf"))) as model:
        assert model is not None
        assert model.timeout == LONGEST_TIMEOUT


async def test_of_several_models_one_must_be_named() -> None:
    async with LocalLLM(models=["a", "b"]) as llm:
        with pytest.raises(SettingsError, match="set FOOTNOTE_LLM__MODEL to one: a, b"):
            async with open_model(settings(base_url=llm.base_url)):
                pass


async def test_a_wrong_address_is_refused_at_the_start_and_by_doctor(page: str) -> None:
    for wrong in ("localhost:1/v1", page):
        with pytest.raises(SettingsError) as caught:
            async with open_model(settings(base_url=wrong)):
                pass
        (finding,) = [each async for each in MODEL.findings(settings(base_url=wrong))]
        assert (finding.ok, f"{finding.sentence}.") == (False, str(caught.value))


@pytest.mark.parametrize(
    ("given", "ok", "words"),
    [
        ({}, True, "m:latest answers, in "),
        ({"model": "m:latest"}, True, "m:latest answers, in "),
        ({"model": "x"}, False, "does not offer x (but m:latest)"),
        ({"api_key": "wrong"}, False, "refused the key (401)"),
    ],
)
async def test_doctor_tells_model_and_key(given: dict[str, str], ok: bool, words: str) -> None:
    async with LocalLLM(key="right", models=["m:latest"]) as llm:
        chosen = settings(**{"base_url": llm.base_url, "api_key": "right"} | given)
        finding, *_ = [each async for each in MODEL.findings(chosen)]
    assert finding.ok is ok
    assert words in finding.sentence
